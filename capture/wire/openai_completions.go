package wire

import "slices"

// completionPaths select what openai.completions needs: the text stands in the
// choice itself. Embeddings answer without choices; their usage is read.
var completionPaths = slices.Concat(openaiPaths, []path{
	{path: "choices[].text", slot: oaText},
})

func openCompletions() dialect { return &openai{} }
