package local

import (
	"strings"

	"llmtap/internal/call"
)

const (
	jupyterAI = "jupyter-ai"
	langChain = "langchain"
	liteLLM   = "litellm"
	// retrieval is the fingerprint of LangChain's stock prompt for question
	// answering: /ask of Jupyter AI sends it, and so does anybody else.
	retrieval = "rag-stuff"
)

// sources are the packages whose version is that of a client, most telling
// first.
var sources = []struct {
	client   string
	packages []string
}{
	{langChain, []string{"langchain-openai", "langchain"}},
	{"langchain-js", []string{"@langchain/openai", "langchain"}},
	{"llama-index", []string{"llama-index-core", "llama-index"}},
	{liteLLM, []string{"litellm"}},
	{"vercel-ai", []string{"ai"}},
}

// Complete adds to c what the search found: the process, or why it is not
// known; the version where the wire has none; and what a recognised product
// stands on. What the wire said is never replaced, but for one case: LangChain's
// retrieval prompt from a Jupyter server with Jupyter AI is that product's /ask.
// It never waits. A nil Search changes nothing.
func (s *Search) Complete(c *call.Client) {
	if s == nil {
		return
	}
	i, err := s.Result()
	if err != nil {
		c.Process = call.Process{Reason: Reason(err)}
		return
	}
	i.complete(c)
}

func (i Info) complete(c *call.Client) {
	c.Process = call.Process{PID: i.PID, Name: i.Name}
	if c.Rule == retrieval && c.Name == langChain && i.Kind == KindServer && i.Version(jupyterAI) != "" {
		c.Name, c.Surface, c.Framework, c.Version = jupyterAI, "ask", langChain, ""
	}
	if c.Version == "" {
		c.Version = i.versionOf(c.Name)
	}
	if c.Name == jupyterAI && c.Framework == "" {
		c.Framework = i.framework(c.Version)
	}
}

func (i Info) versionOf(name string) string {
	if name == jupyterAI {
		return i.jupyterAI()
	}
	for _, s := range sources {
		if s.client != name {
			continue
		}
		for _, p := range s.packages {
			if v := i.Version(p); v != "" {
				return v
			}
		}
	}
	return ""
}

// jupyterAI is the product's version. Magics run in the kernel's environment,
// which may have the magics alone; of 2.x both carry one version.
func (i Info) jupyterAI() string {
	if i.Kind == KindKernel {
		if v := i.Version("jupyter-ai-magics"); v != "" {
			return v
		}
	}
	return i.Version(jupyterAI)
}

// framework is what a version of Jupyter AI is built on, if it is installed.
func (i Info) framework(version string) string {
	major, _, _ := strings.Cut(version, ".")
	switch {
	case (major == "1" || major == "2") && i.Version(langChain) != "":
		return langChain
	case major == "3" && i.Version(liteLLM) != "":
		return liteLLM
	}
	return ""
}
