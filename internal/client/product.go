package client

import (
	"slices"
	"strings"
)

const (
	jupyterAI   = "jupyter-ai"
	humanStop   = "\nHuman:"
	jupyternaut = "You are Jupyternaut"
	// retrieval opens LangChain's stock prompt for question answering.
	retrieval = "Use the following pieces of context to answer"
)

// productRules is the table of products. Only Jupyter AI needs one: others are
// their framework. Its texts are the beginnings of its own prompt templates.
var productRules = []Rule{
	{
		Name: "jai-stop-chat", Table: TableProduct, Example: "jai-stop-chat",
		Means: "Jupyter AI up to 2.18.1, chat",
		match: always(hit{name: jupyterAI, surface: "chat"}, func(v view) bool {
			return humanStopped(v) && v.Prompt.SystemText != ""
		}),
	},
	{
		Name: "jai-stop-fix", Table: TableProduct, Example: "jai-stop-fix",
		Means: "Jupyter AI 2.16 to 2.26, /fix",
		match: always(hit{name: jupyterAI, surface: "fix"}, func(v view) bool {
			return humanStopped(v) && oneUserMessage(v, jupyternaut)
		}),
	},
	{
		Name: "jai-chat-3", Table: TableProduct, Example: "jai-chat-3",
		Means: "Jupyternaut of Jupyter AI 3.x, chat",
		match: always(hit{name: jupyterAI, surface: "chat"}, func(v view) bool {
			return strings.HasPrefix(v.Prompt.FirstText, "<instructions>\n\n"+jupyternaut+", an AI agent")
		}),
	},
	{
		Name: "jai-chat-2", Table: TableProduct, Example: "jai-chat-2",
		Means: "Jupyter AI 2.x, chat",
		match: always(hit{name: jupyterAI, surface: "chat"}, func(v view) bool {
			return strings.HasPrefix(v.Prompt.SystemText, jupyternaut+", a conversational assistant living in JupyterLab")
		}),
	},
	{
		Name: "jai-inline", Table: TableProduct, Example: "jai-inline",
		Means: "Jupyter AI 2.x, inline completion",
		match: always(hit{name: jupyterAI, surface: "inline"}, func(v view) bool {
			return strings.HasPrefix(v.Prompt.SystemText, "You are an application built to provide helpful code completion suggestions")
		}),
	},
	{
		Name: "jai-fix", Table: TableProduct, Example: "jai-fix",
		Means: "Jupyter AI 2.19 and later, /fix",
		match: always(hit{name: jupyterAI, surface: "fix"}, func(v view) bool {
			return oneUserMessage(v, jupyternaut) &&
				(strings.Contains(v.Prompt.FirstText, "Please fix") || strings.Contains(v.Prompt.LastUserHead, "Please fix"))
		}),
	},
	{
		Name: "jai-generate", Table: TableProduct, Example: "jai-generate",
		Means: "Jupyter AI 2.x, one of the five calls of /generate",
		match: always(hit{name: jupyterAI, surface: "generate"}, func(v view) bool {
			return slices.ContainsFunc(generateHeads, func(head string) bool { return oneUserMessage(v, head) })
		}),
	},
	{
		Name: "jai-magic-2", Table: TableProduct, Example: "jai-magic-2",
		Means: "%%ai of Jupyter AI 2.x, from a kernel",
		match: always(hit{name: jupyterAI, surface: "magic"}, func(v view) bool {
			return strings.HasSuffix(v.Prompt.LastUserTail, "Produce output in markdown format only.") &&
				v.header("x-stainless-async") == "false"
		}),
	},
	{
		Name: "rag-stuff", Table: TableProduct, Example: "rag-stuff",
		Means: "LangChain retrieval; /ask when it comes from a Jupyter server process",
		match: always(hit{name: langChain}, func(v view) bool {
			return strings.HasPrefix(v.Prompt.SystemText, retrieval)
		}),
	},
}

// generateHeads open the prompts of /generate: outline, then title, summary
// and code at once, then the improvement of the code.
var generateHeads = []string{
	"You are an AI that creates a detailed content outline",
	"Create a short, few word, descriptive title for a Jupyter notebook",
	"Create a markdown summary for a Jupyter notebook",
	"You are an AI that writes code for a single section of a Jupyter notebook",
	"Improve the following code and make sure it is valid",
}

func humanStopped(v view) bool { return slices.Equal(v.Prompt.Stop, []string{humanStop}) }

// oneUserMessage reports whether the prompt is a single user message, and
// nothing else, that begins with head.
func oneUserMessage(v view, head string) bool {
	p := v.Prompt
	return p.FirstRole == "user" && p.UserMessages == 1 && p.SystemText == "" && strings.HasPrefix(p.FirstText, head)
}
