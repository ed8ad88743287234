package redact_test

import (
	"strings"
	"testing"

	"llmtap/internal/redact"
)

func TestURL(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{"google key", "https://h/v1beta/models/m:generateContent?key=abc", "https://h/v1beta/models/m:generateContent?key=REDACTED"},
		{"order stays", "https://h/p?b=2&api-key=abc&a=1&a=0&api-version=2024-10-21", "https://h/p?b=2&api-key=REDACTED&a=1&a=0&api-version=2024-10-21"},
		{"azure sas", "https://h/c?sv=2024&sig=a%2Fb%3D&se=1", "https://h/c?sv=2024&sig=REDACTED&se=1"},
		{"function code", "https://h/api/f?code=abc==", "https://h/api/f?code=REDACTED"},
		{"every case", "https://h/?API_KEY=a&Access_Token=b&Signature=c", "https://h/?API_KEY=REDACTED&Access_Token=REDACTED&Signature=REDACTED"},
		{"subscription key", "/m?subscription-key=abc", "/m?subscription-key=REDACTED"},
		{
			"presigned, AWS", "https://h/o?X-Amz-Credential=AKIA%2F2&X-Amz-Date=2&X-Amz-Security-Token=F&X-Amz-Signature=a&x=1",
			"https://h/o?X-Amz-Credential=REDACTED&X-Amz-Date=REDACTED&X-Amz-Security-Token=REDACTED&X-Amz-Signature=REDACTED&x=1",
		},
		{"presigned, Google", "https://h/o?X-Goog-Date=2&X-Goog-Signature=a", "https://h/o?X-Goog-Date=2&X-Goog-Signature=REDACTED"},
		{"encoded name", "/m?api%5Fkey=abc&%6Bey=def", "/m?api%5Fkey=REDACTED&%6Bey=REDACTED"},
		{"semicolons", "/m?a=1;key=abc;b=2", "/m?a=1;key=REDACTED"},
		{"own token", "/?token=abc", "/?token=REDACTED"},
		{"fragment", "https://h/cb#access_token=abc&state=1", "https://h/cb#access_token=REDACTED&state=1"},
		{"fragment stays", "https://h/?key=abc#top", "https://h/?key=REDACTED#top"},
		{"value with = and ?", "/m?key=a=b?c&x=1", "/m?key=REDACTED&x=1"},
		{"URL in a value", "/m?next=https://u:p@h/?key=abc&x=1", "/m?next=https://REDACTED@h/?key=REDACTED&x=1"},

		{"userinfo", "https://user:p4ss@h:8443/p?x=1", "https://REDACTED@h:8443/p?x=1"},
		{"user alone", "https://token@h/", "https://REDACTED@h/"},
		{"two @", "https://u:p@ss@h/", "https://REDACTED@h/"},
		{"slash in password", "http://user:p/ss@h:3128/", "http://REDACTED@h:3128/"},
		{"IPv6 host", "http://u:p@[::1]:80/", "http://REDACTED@[::1]:80/"},
		{"without scheme", "user:p4ss@proxy:3128", "REDACTED@proxy:3128"},
		{"without scheme, URL behind", "user:p4ss@proxy:3128/?u=http://a:b@c/", "REDACTED@proxy:3128/?u=http://REDACTED@c/"},
		{"network path", "//u:p@h/x", "//REDACTED@h/x"},
		{"URL in the path", "/proxy/https://u:p@h/x", "/proxy/https://REDACTED@h/x"},

		{"key in the path", "/v1/" + openai + "/chat", "/v1/REDACTED/chat"},
		{"key in a harmless value", "/m?user=" + openai + "&x=1", "/m?user=REDACTED&x=1"},
		{"control characters", "/m\x1b[31m?a=\n\xff", "/m%1B[31m?a=%0A%FF"},
		{"C1 control", "/m\u009b", "/m%C2%9B"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := redact.URL(row.in)
			if got != row.want {
				t.Errorf("URL(%q)\n got %q\nwant %q", row.in, got, row.want)
			}
			if again := redact.URL(got); again != got {
				t.Errorf("URL is not idempotent: %q becomes %q", got, again)
			}
		})
	}
}

func TestURLKeepsWhatIsNoSecret(t *testing.T) {
	for _, u := range []string{
		"",
		"/",
		"*",
		"h:443",
		"[2001:db8::1]:443",
		"https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
		"https://h/v1/models?after=gpt&limit=20&order=desc",
		"/v1/chat/completions?stream=true&cache_key=x",
		"/v1/projects/p/publishers/anthropic/models/claude-3-5-sonnet@20240620:rawPredict",
		"https://h/@scope/pkg",
		"https://h:8080/a@b",
		"/deployments/sk-learn/task-force?x=a%20b+c",
		"/m?key=&token",
		"https://h/p?a=1&a=2&&=x&b",
		"https://münchen.example/ä?q=ü",
		"http://h/?a=%zz",
	} {
		if got := redact.URL(u); got != u {
			t.Errorf("URL(%q) = %q, want it unchanged", u, got)
		}
	}
}

func FuzzURL(f *testing.F) {
	f.Add("https://h/p?a=1&", "#x")
	f.Add("http://u:p@", "@h")
	f.Add("//", "?key=")
	f.Add("?url=http://", "%3D")
	const secret = "pq93zw71kv58mt20"
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, canary := range []string{openai, jwt} {
			if got := redact.URL(before + canary + after); strings.Contains(got, secretPart(canary)) &&
				!strings.Contains(before+"\n"+after, secretPart(canary)) {
				t.Fatalf("URL(%q) = %q, the canary survived", before+canary+after, got)
			}
		}
		for _, pair := range []string{"?key=", "?x=1&api_key=", "?x&X-Amz-Signature="} {
			u := "https://h/" + pair + secret + "&" + after
			if got := redact.URL(u); strings.Contains(got, secret) && !strings.Contains(after, secret) {
				t.Fatalf("URL(%q) = %q, the value survived", u, got)
			}
		}
		once := redact.URL(before + after)
		if strings.ContainsFunc(once, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("URL(%q) = %q has control characters", before+after, once)
		}
	})
}

func BenchmarkURL(b *testing.B) {
	for name, u := range map[string]string{
		"clean":  "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
		"secret": "https://h/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse&key=AIzaSyA1234567890abcdefghijklmnopqrstu",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				redact.URL(u)
			}
		})
	}
}

func TestEverySecretParameter(t *testing.T) {
	for _, name := range []string{
		"key",
		"api_key",
		"api-key",
		"apikey",
		"x-api-key",
		"subscription-key",
		"Ocp-Apim-Subscription-Key",
		"AWSAccessKeyId",
		"sig",
		"Signature",
		"code",
		"token",
		"access_token",
		"id_token",
		"refresh_token",
		"auth",
		"authorization",
		"jwt",
		"sas",
		"ticket",
		"assertion",
		"client_assertion",
		"client_secret",
		"password",
		"pwd",
		"X-Amz-Credential",
		"X-Amz-Signature",
		"X-Amz-Security-Token",
		"X-Goog-Signature",
		"X-Goog-Credential",
	} {
		t.Run(name, func(t *testing.T) {
			for _, form := range []string{
				"https://h/p?N=V",
				"https://h/p?a=1&N=V&b=2",
				"/p?a=1&N=V",
				"/p?N=V&N=V",
				"?N=V",
				"/p#N=V",
				"/p?a&N=V",
				"h:443/?N=V",
			} {
				in := strings.NewReplacer("N", name, "V", "plain").Replace(form)
				want := strings.NewReplacer("N", name, "V", redact.Mark).Replace(form)
				if got := redact.URL(in); got != want {
					t.Errorf("URL(%q) = %q, want %q", in, got, want)
				}
				// In a sentence, the same.
				if !strings.Contains(form, "#") {
					if got := redact.Text("GET "+in+" failed", 1000); got != "GET "+want+" failed" {
						t.Errorf("Text(%q) = %q", in, got)
					}
				}
			}
		})
	}
}

func TestOtherParametersStay(t *testing.T) {
	for _, name := range []string{
		"api-version", "alt", "model", "stream", "limit", "after", "order", "cache_key", "partition-key", "keys", "tokens",
		"max_tokens", "encode", "codec", "region", "design", "X-Goog-Date", "X-Goog-Algorithm", "author",
	} {
		if u := "https://h/p?" + name + "=plain"; redact.URL(u) != u {
			t.Errorf("URL(%q) = %q, want it unchanged", u, redact.URL(u))
		}
	}
}
