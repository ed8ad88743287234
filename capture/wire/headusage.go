package wire

import (
	"strconv"

	"llmtap/internal/call"
)

// headCounts are the headers in which some services put token counts of plain
// answers: Bedrock's InvokeModel, whose input excludes the cache, and Text
// Generation Inference.
var headCounts = []struct{ input, output, read, write string }{
	{
		"x-amzn-bedrock-input-token-count", "x-amzn-bedrock-output-token-count",
		"x-amzn-bedrock-cache-read-input-token-count", "x-amzn-bedrock-cache-write-input-token-count",
	},
	{input: "x-prompt-tokens", output: "x-generated-tokens"},
}

// HeadUsage returns the token counts that a response head reports, none if it
// has no such headers. header returns a header's value by its lower-case name,
// empty if it is absent.
func HeadUsage(header func(name string) string) call.Usage {
	for _, names := range headCounts {
		u := bedrockUsage{input: headCount(header(names.input)), output: headCount(header(names.output))}
		if !u.input.Known && !u.output.Known {
			continue
		}
		if names.read != "" {
			u.read, u.write = headCount(header(names.read)), headCount(header(names.write))
		}
		return u.total()
	}
	return call.Usage{}
}

func headCount(text string) call.Amount {
	if text == "" {
		return call.Amount{} // most answers: without the cost of an error
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return call.Some(n)
	}
	return call.Amount{}
}

// orElse returns a usage with the counts of another where it has none.
func orElse(u, other call.Usage) call.Usage {
	if !u.Input.Known && other.Input.Known {
		u.Input, u.Cached, u.CacheWrite = other.Input, other.Cached, other.CacheWrite
	}
	if !u.Output.Known {
		u.Output = other.Output
	}
	return u
}
