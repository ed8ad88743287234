package client

import "slices"

// The three tables, each asked independently of the others.
const (
	TableProduct   = "product"
	TableFramework = "framework"
	TableSDK       = "sdk"
)

// Unknown is the name of a client that no rule knows.
const Unknown = "unknown"

// ruleNone is the last row of the SDK table.
const ruleNone = "none"

// Rule is one fingerprint as documentation shows it. Within a table the first
// matching rule wins, so the order of Rules is part of their meaning.
type Rule struct {
	Name  string
	Table string
	// Means says in words who is recognised.
	Means string
	// Example names the recorded request that the rule is tested with.
	Example string

	match func(view) (hit, bool)
}

// hit is what a matching rule knows; empty fields are not on the wire.
type hit struct{ name, version, surface string }

// Rules returns all fingerprints in the order in which they are tried: first
// the products, then the frameworks, then the SDKs. The slice is the caller's.
func Rules() []Rule {
	return slices.Concat(productRules, frameworkRules, sdkRules)
}

// Names returns the closed set of client names, in no promised order: every
// Name and SDK that Identify fills is one of them.
func Names() []string { return slices.Clone(names) }

// Surfaces returns the closed set of surfaces of products.
func Surfaces() []string { return slices.Clone(surfaces) }

var names = []string{
	jupyterAI, langChain, langChainJS, llamaIndex, liteLLM, vercelAI,
	openaiPython, openaiNode, openaiGo, anthropicPython, anthropicNode,
	googlePython, googleNode, mistralPython, coherePython, ollamaPython, boto3,
	pyRequests, pyHTTPX, pyAIOHTTP, curl, goHTTP, nodeFetch, Unknown,
}

var surfaces = []string{"chat", "generate", "magic", "fix", "ask", "inline"}

// first returns what the first matching rule says and that rule's name.
func first(table []Rule, v view) (hit, string) {
	for _, r := range table {
		if h, ok := r.match(v); ok {
			return h, r.Name
		}
	}
	return hit{}, ""
}

// always makes a match of a condition whose answer does not depend on the call.
func always(h hit, cond func(view) bool) func(view) (hit, bool) {
	return func(v view) (hit, bool) { return h, cond(v) }
}
