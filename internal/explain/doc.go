// Package explain holds the words llmtap says about one call. The command line,
// the summary of exec, the report and the page print what it returns, so that a
// call is explained the same everywhere.
//
//	Record ─► Headline   one sentence: what happened
//	       ─► Timeline   when each part arrived, drawn in text
//	       ─► Seen       what the client's user probably saw
//	       ─► Advice     who can do what about it; Quote for the service's owner
//	       ─► Curl       the call again, by hand, and with one change
//	       ─► Asked      who asked for what; Answered: what came back
//	       ─► Evidence   what the class rests on
//	       ─► Likeness   calls that went the same way
//
// It is pure, and total: any record has an explanation, of bounded length. What
// is not known is left out or named as missing, never guessed. All text is safe
// for a terminal: nothing a client or a service wrote can steer it.
package explain
