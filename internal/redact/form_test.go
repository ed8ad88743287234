package redact_test

import (
	"strings"
	"testing"

	"llmtap/internal/redact"
)

// tail is long enough and mixed enough for every form.
const tail = "Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56Qr78"

// forms are the kinds of secrets that are known by their beginning.
var forms = []struct {
	name   string
	prefix string
	// min is how many characters make it one.
	min int
	// words: the prefix alone could begin an ordinary name, so that the rest
	// must look random.
	words bool
	// slash is part of it, so that it takes the rest of a path along.
	slash bool
}{
	{name: "OpenAI project", prefix: "sk-proj-", min: 11},
	{name: "OpenAI legacy", prefix: "sk-", min: 16},
	{name: "Anthropic", prefix: "sk-ant-api03-", min: 6},
	{name: "OpenRouter", prefix: "sk-or-v1-", min: 10},
	{name: "Langfuse secret", prefix: "sk-lf-", min: 13},
	{name: "Langfuse public", prefix: "pk-lf-", min: 16, words: true},
	{name: "Google API", prefix: "AIza", min: 16},
	{name: "Google OAuth", prefix: "ya29.", min: 16},
	{name: "AWS key id", prefix: "AKIA", min: 12},
	{name: "AWS temporary key id", prefix: "ASIA", min: 12, words: true},
	{name: "Bedrock", prefix: "ABSK", min: 20, slash: true},
	{name: "JWT", prefix: "eyJ", min: 8},
	{name: "GitHub personal", prefix: "ghp_", min: 16},
	{name: "GitHub OAuth", prefix: "gho_", min: 16},
	{name: "GitHub user", prefix: "ghu_", min: 16},
	{name: "GitHub server", prefix: "ghs_", min: 16},
	{name: "GitHub refresh", prefix: "ghr_", min: 16},
	{name: "GitHub fine-grained", prefix: "github_pat_", min: 16},
	{name: "GitLab", prefix: "glpat-", min: 16},
	{name: "Groq", prefix: "gsk_", min: 16, words: true},
	{name: "Slack app", prefix: "xapp-", min: 16, words: true},
	{name: "Slack workspace", prefix: "xoxa-", min: 8},
	{name: "Slack bot", prefix: "xoxb-", min: 8},
	{name: "Slack refresh", prefix: "xoxe", min: 8, words: true},
	{name: "Slack user", prefix: "xoxp-", min: 8},
	{name: "Slack renewed", prefix: "xoxr-", min: 8},
	{name: "Slack legacy", prefix: "xoxs-", min: 8},
	{name: "xAI", prefix: "xai-", min: 16, words: true},
	{name: "Hugging Face", prefix: "hf_", min: 16, words: true},
	{name: "NVIDIA", prefix: "nvapi-", min: 16, words: true},
	{name: "Perplexity", prefix: "pplx-", min: 16, words: true},
	{name: "Databricks", prefix: "dapi", min: 32, words: true},
	{name: "LangSmith", prefix: "lsv2_", min: 16, words: true},
	{name: "Replicate", prefix: "r8_", min: 16, words: true},
	{name: "Together", prefix: "tgp_v1_", min: 16, words: true},
}

func TestEveryForm(t *testing.T) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			key := f.prefix + tail[:f.min]
			for in, want := range map[string]string{
				key:                 "REDACTED",
				"got " + key + ".":  "got REDACTED.",
				"(" + key + ")":     "(REDACTED)",
				`"` + key + `",`:    `"REDACTED",`,
				"x" + key:           "xREDACTED",
				`\n` + key + `\n`:   `\nREDACTED\n`,
				key + " and " + key: "REDACTED and REDACTED",
				key + "-" + key:     "REDACTED",
			} {
				if got := redact.Text(in, 1000); got != want {
					t.Errorf("Text(%q) = %q, want %q", in, got, want)
				}
			}
			if f.slash {
				return
			}
			if got, want := redact.URL("/v1/"+key+"/models?n=1"), "/v1/REDACTED/models?n=1"; got != want {
				t.Errorf("URL = %q, want %q", got, want)
			}
		})
	}
}

func TestPrefixWithoutSecretStays(t *testing.T) {
	for _, f := range forms {
		if strings.HasPrefix(f.prefix, "sk-") && strings.ContainsAny(f.prefix, "0123456789") {
			continue // reads like a short key
		}
		t.Run(f.name, func(t *testing.T) {
			for _, s := range []string{
				f.prefix,
				f.prefix + " begins a key",
				"a key begins with " + f.prefix + ", then letters",
				"x" + f.prefix + "abc",
			} {
				if got := redact.Text(s, 1000); got != s {
					t.Errorf("Text(%q) = %q, want it unchanged", s, got)
				}
			}
			if !f.words {
				return
			}
			word := f.prefix + strings.Repeat("word_", 8)
			if f.prefix == strings.ToUpper(f.prefix) {
				word = f.prefix + strings.Repeat("WORD_", 8)
			}
			if got := redact.Text(word, 1000); got != word {
				t.Errorf("Text(%q) = %q, want it unchanged", word, got)
			}
		})
	}
}

// Services echo a key in part; the part is worth masking, too.
func TestEchoedKeys(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{"stars", "sk-ab******yz", "REDACTED"},
		{"stars only", "sk-****", "REDACTED"},
		{"dots", "sk-...a1b2", "REDACTED"},
		{"ellipsis", "sk-ab…yz", "REDACTED"},
		{"stars behind a label", "api key: ab**yz", "api key: REDACTED"},
		{"dots behind a label", "token: ab...yz", "token: REDACTED"},
		{"ellipsis behind a label", "key: abcd…wxyz", "key: REDACTED"},
		{"short, of a gateway", "sk-1234", "REDACTED"},
		{"too short to be one", "sk-1", "sk-1"},
		{"end of a word", "disk-1234 and task-5678", "disk-1234 and task-5678"},
		{"name of a package", "sk-learn", "sk-learn"},
		{"letters, but many", "sk-" + strings.Repeat("a", 24), "REDACTED"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := redact.Text(row.in, 1000); got != row.want {
				t.Errorf("Text(%q) = %q, want %q", row.in, got, row.want)
			}
		})
	}
}

// Without form and label only length and mixture tell a secret from an id.
func TestOpaqueRuns(t *testing.T) {
	for _, row := range []struct {
		name, in string
		masked   bool
	}{
		{"84 mixed characters", azure, true},
		{"40 mixed characters", "Ab3" + strings.Repeat("x", 37), true},
		{"39 mixed characters", "Ab3" + strings.Repeat("x", 36), false},
		{"SHA-256 in hex", hex32 + hex32, false},
		{"SHA-256 in upper-case hex", strings.ToUpper(hex32 + hex32), false},
		{"letters of both cases", strings.Repeat("CamelCase", 8), false},
		{"256 small letters", strings.Repeat("a", 256), false},
		{"257 small letters", strings.Repeat("a", 257), true},
		{"20 hex digits", hex32[:20], false},
		{"20 hex digits behind a label", "key " + hex32[:20], true},
		{"19 hex digits behind a label", "key " + hex32[:19], false},
		{"20 letters behind a label", "key " + strings.Repeat("abcd", 5), false},
		{"digits behind a label", "key 20260301120000123456", false},
		{"behind another word", "model " + hex32[:20], false},
		{"UUID", "123e4567-e89b-12d3-a456-426614174000", false},
		{"base64 goes with it", azure + "+/ab==", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := redact.Text(row.in, 1000)
			if masked := strings.HasSuffix(got, redact.Mark); masked != row.masked || !masked && got != row.in {
				t.Errorf("Text(%q) = %q, want masked %v", row.in, got, row.masked)
			}
		})
	}
}
