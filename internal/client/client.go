// Package client says who made a call: the product, the framework below it and
// the SDK or bare HTTP client at the bottom, each by the first matching row of
// one ordered table. It is pure: facts go in, a call.Client comes out, and the
// prompt texts among the facts are compared in memory and kept nowhere.
//
// Every fact can be forged or overridden by a caller, so an answer is a label,
// never a permission. Facts only the local process can tell (product versions,
// the user) are not on the wire and stay empty here.
package client

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// maxUserAgent bounds what is matched and kept of a User-Agent.
const maxUserAgent = 256

// Facts are what the client leg of one request shows. The zero value is a
// request about which nothing is known; it identifies as unknown.
type Facts struct {
	Method string
	Path   string
	Host   string
	// Header returns the first value of a header, "" if it is absent. Names
	// are given in lower case and must be compared without regard to case.
	Header func(name string) string
	// Has tells an empty header from an absent one; nil means "not empty".
	Has func(name string) bool
	// Keys are the body's top-level keys.
	Keys  []string
	Model string
	// ModelNull says that the body's model was the JSON null.
	ModelNull bool
	Stream    call.StreamFlag
	Params    []call.Param
	Prompt    Prompt
}

// Prompt holds the few pieces of a prompt that rules compare. Heads and tails
// need a few hundred bytes at most; whoever fills them must not store them.
type Prompt struct {
	FirstRole string
	FirstText string
	// SystemText is the head of the first system message, "" if there is none.
	SystemText   string
	LastUserHead string
	LastUserTail string
	UserMessages int
	Stop         []string
}

// Identify names the caller of one request. It fills Kind, Name, Version,
// Framework, Surface, SDK, SDKVersion, Rule and UserAgent and never fails:
// what no rule knows is unknown, by rule "none".
func Identify(f Facts) call.Client {
	v := look(f)
	product, byProduct := first(productRules, v)
	framework, byFramework := first(frameworkRules, v)
	sdk, bySDK := first(sdkRules, v)
	c := call.Client{
		Kind: call.ClientFramework, Surface: product.surface,
		SDK: sdk.name, SDKVersion: sdk.version, UserAgent: v.agent,
	}
	switch {
	case byProduct != "":
		c.Name, c.Rule = product.name, byProduct
		if framework.name != c.Name {
			c.Framework = framework.name
		} else {
			c.Version = framework.version
		}
	case byFramework != "":
		c.Name, c.Version, c.Rule = framework.name, framework.version, byFramework
	case bySDK != ruleNone:
		c.Kind, c.Name, c.Version, c.Rule = call.ClientDirect, sdk.name, sdk.version, bySDK
	default:
		c.Kind, c.Rule = call.ClientUnknown, ruleNone
	}
	if c.Name == "" {
		c.Name = Unknown
	}
	return c
}

// view is Facts made convenient for rules: the cut User-Agent, what it says if
// it is an OpenAI SDK's, and header access that survives nil functions.
type view struct {
	Facts
	agent  string
	openai openaiSDK
}

func look(f Facts) view {
	v := view{Facts: f}
	v.agent = v.header("user-agent")
	if len(v.agent) > maxUserAgent {
		v.agent = strings.ToValidUTF8(v.agent[:maxUserAgent], "")
	}
	v.openai = parseOpenAI(v.agent)
	return v
}

func (v view) header(name string) string {
	if v.Header == nil {
		return ""
	}
	return v.Header(name)
}

func (v view) has(name string) bool {
	if v.Has == nil {
		return v.header(name) != ""
	}
	return v.Has(name)
}

// explicit says that the body carried stream as a boolean.
func (v view) explicit() bool {
	return v.Stream == call.StreamTrue || v.Stream == call.StreamFalse
}

func (v view) param(name string) string {
	for _, p := range v.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

func (v view) key(name string) bool { return slices.Contains(v.Keys, name) }
