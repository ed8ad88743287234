package redact_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"llmtap/internal/redact"
)

const (
	hex32  = "0123456789abcdef0123456789abcdef"
	jwt    = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
	openai = "sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56"
	azure  = "7xQm2Lk9Rb4Vn8Zs1Tc6Wd3Yf5Hg0JkPqAaBbCcDdEeFfGgHhJQQJ99BCACYeBjFXJ3w3AAABACOGabcd1234"
)

func TestTextMasksSecrets(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		// The texts of 401 answers, as services send them.
		{
			"openai 401", "Incorrect API key provided: sk-proj-****************abcd. You can find your API key at https://platform.openai.com/account/api-keys.",
			"Incorrect API key provided: REDACTED. You can find your API key at https://platform.openai.com/account/api-keys.",
		},
		{"openai 401, short", "Incorrect API key provided: sk-1234.", "Incorrect API key provided: REDACTED."},
		{"xai 401", "Incorrect API key provided: xa***ab. You can obtain an API key from x.", "Incorrect API key provided: REDACTED. You can obtain an API key from x."},
		{"deepseek 401", "Authentication Fails, Your api key: ****abcd is invalid", "Authentication Fails, Your api key: REDACTED is invalid"},
		{
			"litellm 401", "Authentication Error, Invalid proxy server token passed. Received API Key = sk-...1234, Key Hash (Token) =88dc28d0f030c55ed4ab77ed8faf0981",
			"Authentication Error, Invalid proxy server token passed. Received API Key = REDACTED, Key Hash (Token) =REDACTED",
		},
		{"google 403", "Consumer 'api_key:AIzaSyA1234567890abcdefghijklmnopqrstu' has been suspended.", "Consumer 'api_key:REDACTED' has been suspended."},
		{
			"aws 403", "Authorization header AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=" + hex32,
			"Authorization header AWS4-HMAC-SHA256 Credential=REDACTED, SignedHeaders=host, Signature=REDACTED",
		},

		// Forms.
		{"openai", "x " + openai + " y", "x REDACTED y"},
		{"anthropic", "sk-ant-api03-Ab12Cd34Ef56-Gh78_Ij90AA", "REDACTED"},
		{"inside a word", "\\n" + openai, "\\nREDACTED"},
		{"google", "AIzaSyA1234567890abcdefghijklmnopqrstu", "REDACTED"},
		{"aws access key", "id AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE", "id REDACTED, REDACTED"},
		{"bedrock", "ABSKQmVkcm9ja0FQSUtleS1hYmM+ZGVm/Zz12==", "REDACTED"},
		{"jwt", "got " + jwt + ".", "got REDACTED."},
		{"github", "ghp_0123456789abcdefABCDEF0123456789abcd github_pat_11ABCDEFG0123456789_abc", "REDACTED REDACTED"},
		{"slack", "xoxb-123456789012-abcdefABCDEF", "REDACTED"},
		{"hugging face", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz", "REDACTED"},
		{"groq, xai, nvidia", "gsk_Ab12Cd34Ef56Gh78Ij xai-Ab12Cd34Ef56Gh78Ij nvapi-Ab12Cd34Ef56Gh78Ij", "REDACTED REDACTED REDACTED"},
		{"google oauth", "ya29.a0AfH6SMBx0123456789", "REDACTED"},
		{"echo with ellipsis", "key sk-ab12…cd34!", "key REDACTED!"},
		{"azure, bare", "no " + azure + " here", "no REDACTED here"},
		{"very long run", strings.Repeat("a", 300), "REDACTED"},

		// Names.
		{"json", `{"api_key": "abc123def"}`, `{"api_key": "REDACTED"}`},
		{"json in json", `{\"api-key\":\"abc123def\"}`, `{\"api-key\":\"REDACTED\"}`},
		{"python repr", `{'azure_api_key': 'abc123def', 'n': 1}`, `{'azure_api_key': 'REDACTED', 'n': 1}`},
		{"header line", "api-key: " + hex32 + "\r\nhost: x", "api-key: REDACTED  host: x"},
		{"percent-encoded", "url=h%3Fapi_key%3Dabc123", "url=h%3Fapi_key%3DREDACTED"},
		{"xml", "<apiKey>abc123def</apiKey>", "<apiKey>REDACTED</apiKey>"},
		{"two words", "access token=abc123def", "access token=REDACTED"},
		{"filler words", "API key header value is: abc123def", "API key header value is: REDACTED"},
		{"name and quotes", "api key 'abc123def456' is wrong", "api key 'REDACTED' is wrong"},
		{"name and space", "subscription key " + hex32 + " is wrong", "subscription key REDACTED is wrong"},
		{"password of letters", "password=hunter", "password=REDACTED"},
		{"password with spaces", `"password": "correct horse battery"`, `"password": "REDACTED"`},
		{"weak name", "token: abcdef123456xyz", "token: REDACTED"},
		{"cookie", "Cookie: a=1; b=2", "Cookie: REDACTED"},
		{"bearer", "Authorization: Bearer abc123def", "Authorization: REDACTED"},
		{"bearer alone", "sent Bearer abc123def, got 401", "sent Bearer REDACTED, got 401"},
		{"basic", "Basic dXNlcjpwYXNz was sent", "Basic REDACTED was sent"},
		{"authorization token", "authorization: token abc123", "authorization: REDACTED"},

		// Places.
		{"userinfo", "dial http://user:p4ss@proxy:3128: refused", "dial http://REDACTED@proxy:3128: refused"},
		{"userinfo with slash", "proxy http://user:p/ss@proxy:3128", "proxy http://REDACTED@proxy:3128"},
		{"userinfo without scheme", "proxy user:p4ss@proxy:3128", "proxy user:REDACTED@proxy:3128"},
		{"query", "GET https://h/m?alt=sse&key=abc&x=1 failed", "GET https://h/m?alt=sse&key=REDACTED&x=1 failed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := redact.Text(row.in, 1000); got != row.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", row.in, got, row.want)
			}
		})
	}
}

// What explains a failure must stay readable.
func TestTextKeepsWhatIsNoSecret(t *testing.T) {
	for _, s := range []string{
		"",
		"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.",
		"API key not valid. Please pass a valid API key.",
		"Invalid API key provided. You can find your API key at https://api.together.xyz/settings/api-keys.",
		"invalid x-api-key",
		"invalid_api_key: Incorrect API key",
		`{"error":{"code":"invalid_api_key","type":"authentication_error","param":null}}`,
		"api key: missing",
		"password is required",
		"Authorization: Bearer token required",
		"The security token included in the request is invalid.",
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
		"Did not find openai_api_key, please add an environment variable `OPENAI_API_KEY` which contains it, or pass `openai_api_key` as a named parameter.",
		"This model's maximum context length is 8192 tokens. However, your messages resulted in 8193 tokens.",
		"max_tokens: 300000 > 8192, which is the maximum allowed number of output tokens",
		"Unexpected token: '<' at position 0",
		"Basic authentication is disabled, Bearer authentication is not",
		`WWW-Authenticate: Bearer realm="llm", error="invalid_token"`,
		"task-management and disk-usage-of-the-whole-machine, risk-adjusted",
		"No fallback model group found for original model group=gpt-4o",
		"request id: 123e4567-e89b-12d3-a456-426614174000",
		"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012 resp_" + hex32 + hex32[:16],
		"POST https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21: 500",
		"projects/p/locations/l/publishers/anthropic/models/claude-3-5-sonnet@20240620:rawPredict",
		"dial tcp [2001:db8::1]:443: i/o timeout, 10.0.0.7:3128 refused",
		"12:30:45 http://127.0.0.1:4141/@scope/x",
		"ключ не подходит: 鍵が違います",
	} {
		if got := redact.Text(s, 1000); got != s {
			t.Errorf("Text changed\n     %q\nto   %q", s, got)
		}
	}
}

func TestTextCutsToRunes(t *testing.T) {
	for _, row := range []struct {
		name, in string
		max      int
		want     string
	}{
		{"zero", "abc", 0, ""},
		{"negative", "abc", -1, ""},
		{"exact", "abc", 3, "abc"},
		{"cut", "abcd", 3, "abc"},
		{"runes, not bytes", "äöüß", 3, "äöü"},
		{"mark is cut", "x " + openai, 5, "x RED"},
		{"nothing of a secret at the cut", "x " + openai, 3, "x R"},
		{"after a mark", openai + " and more", 12, "REDACTED and"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := redact.Text(row.in, row.max); got != row.want {
				t.Errorf("Text(%q, %d) = %q, want %q", row.in, row.max, got, row.want)
			}
		})
	}
}

func TestTextIsOneCleanLine(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{"newlines and tabs", "a\r\n\tb", "a   b"},
		{"escape sequence", "a\x1b[31mred", "a [31mred"},
		{"C1 and separators", "a\u009b\u2028b\u2029c", "a  b c"},
		{"delete and null", "a\x7f\x00b", "a  b"},
		{"invalid UTF-8", "a\xff\xfeb", "a\uFFFD\uFFFDb"},
		{"cut rune at the end", "ab\xe2\x80", "ab\uFFFD\uFFFD"},
		{"between name and value", "api key:\n\tabc123", "api key:  REDACTED"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := redact.Text(row.in, 100); got != row.want {
				t.Errorf("Text(%q) = %q, want %q", row.in, got, row.want)
			}
		})
	}
}

func TestTextDoesNotAllocateWithoutNeed(t *testing.T) {
	s := strings.Repeat("The model gpt-4o is overloaded: try again in 20 s. ", 6)
	if n := testing.AllocsPerRun(100, func() { redact.Text(s, 1000) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// A long input must not cost more than the part that is kept.
func TestTextCostDependsOnMax(t *testing.T) {
	for name, s := range map[string]string{
		"sk- without end":  strings.Repeat("sk-", 1<<20),
		"one letter":       strings.Repeat("a ", 1<<20),
		"quotes":           strings.Repeat(`"password":"`, 1<<18),
		"separators":       strings.Repeat(":", 1<<20),
		"labels":           strings.Repeat("api key: x ", 1<<18),
		"userinfo, no end": "http://" + strings.Repeat("a:", 1<<20),
	} {
		if got := redact.Text(s, 300); utf8.RuneCountInString(got) > 300 {
			t.Errorf("%s: %d runes", name, utf8.RuneCountInString(got))
		}
	}
}

// Pieces of what the scanner knows, thrown together, are the surroundings most
// likely to lead it past a secret.
func TestNoCanarySurvivesPiecesOfGrammar(t *testing.T) {
	pieces := []string{
		"sk-", "sk-proj-", "eyJ", "AIza", "AKIA", "ghp_", "xoxb-", "hf_", "Bearer ", "bearer", "Basic ", "token ", "api key", "api_key",
		"key", "token", "password", "secret", "cookie", "authorization", ": ", ":", "=", " = ", "%3D", ">", "<", `"`, "'", "`", `\"`, "://",
		"@", "/", "?", "&", "#", ".", "..", "…", "*", ",", ";", "(", ")", "[", "]", " ", "\n", "\x00", "\xff", "x", "A1", "é", "none", "is",
		"provided", hex32, azure, strings.Repeat("a", 260), "user:pw", "http://u:p@h/",
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	join := func() string {
		var b strings.Builder
		for range rnd.IntN(6) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 20_000 {
		before, after := join(), join()
		for _, canary := range canaries() {
			in := before + canary + after
			if got := redact.Text(in, 4096); strings.Contains(got, secretPart(canary)) {
				t.Fatalf("Text(%q) = %q, %q survived", in, got, secretPart(canary))
			}
		}
	}
}

func canaries() []string {
	return []string{
		openai, "sk-ant-api03-Ab12Cd34Ef56-Gh78_Ij90AA", "AIzaSyA1234567890abcdefghijklmnopqrstu", "AKIAIOSFODNN7EXAMPLE", jwt,
		"ghp_0123456789abcdefABCDEF01234567zyxw", "xoxb-123456789012-abcdefABCDEF", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz",
		"Bearer pq93zw71kv58mt20", "api key: pq93zw71kv58mt20", "api-key=pq93zw71kv58mt20", "http://u:pq93zw71kv58mt20@host",
		`"api_key":"pq93zw71kv58mt20"`,
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []struct {
		before, after string
		max           int
	}{
		{"Incorrect API key provided: ", ". You can", 300},
		{`{"api_key":"`, `"}`, 40},
		{"password=api_key: ", "", 300},
		{`secret="api key: `, `"`, 300},
		{"sk-", "-x", 20},
		{"http://u:", "@h", 300},
		{"eyJ", ".eyJ", 300},
		{"\xff\x00", "\xe2\x80", 9},
		{"Bearer ", " Basic ", 300},
		{"AKIA", "…", 300},
	} {
		f.Add(seed.before, seed.after, seed.max)
	}
	f.Fuzz(func(t *testing.T, before, after string, max int) {
		max = min(max, 1<<12)
		for _, canary := range canaries() {
			in := before + canary + after
			got := redact.Text(in, max)
			if n := utf8.RuneCountInString(got); n > max && max >= 0 {
				t.Fatalf("Text(%q, %d) has %d runes", in, max, n)
			}
			if !utf8.ValidString(got) {
				t.Fatalf("Text(%q, %d) = %q, not UTF-8", in, max, got)
			}
			if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
				t.Fatalf("Text(%q, %d) = %q has control characters", in, max, got)
			}
			if part := secretPart(canary); strings.Contains(got, part) && !strings.Contains(before+"\n"+after, part) {
				t.Fatalf("Text(%q, %d) = %q, %q survived", in, max, got, part)
			}
		}
	})
}

// secretPart is a stretch of the canary that only the secret has.
func secretPart(canary string) string {
	canary = strings.TrimRight(strings.TrimSuffix(canary, "@host"), `"`)
	return canary[len(canary)-10:]
}

func BenchmarkText(b *testing.B) {
	for name, s := range map[string]string{
		"clean":  strings.Repeat("The server had an error while processing your request. ", 6),
		"secret": "Incorrect API key provided: " + openai + ". You can find your API key at https://platform.openai.com/account/api-keys.",
		"json":   `{"error":{"message":"Rate limit reached for gpt-4o in organization org-abc on tokens per min (TPM): Limit 30000, Used 29000.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				redact.Text(s, 300)
			}
		})
	}
}
