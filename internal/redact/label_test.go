package redact_test

import (
	"strings"
	"testing"

	"llmtap/internal/redact"
)

// generated is a value as services generate keys.
const generated = "v7k2m9x4"

func TestEveryLabel(t *testing.T) {
	for _, label := range []string{
		"api key",
		"API-Key",
		"api_key",
		"apiKey",
		"OPENAI_API_KEY",
		"azure.openai.api.key",
		"x-goog-api-key",
		"Ocp-Apim-Subscription-Key",
		"subscription key",
		"access key",
		"AWS_ACCESS_KEY_ID",
		"aws_secret_access_key",
		"secret key",
		"private key",
		"account key",
		"master key",
		"shared key",
		"auth key",
		"access_token",
		"auth token",
		"api token",
		"id_token",
		"refreshToken",
		"session token",
		"x-amz-security-token",
		"bearer",
		"authorization",
		"Proxy-Authorization",
		"credential",
		"credentials",
		"client secret",
		"secret",
		"password",
		"pass word",
		"DB_PASSWD",
		"passphrase",
		"pwd",
		"cookie",
		"Set-Cookie",
	} {
		t.Run(label, func(t *testing.T) {
			for _, sep := range []string{": ", ":", "=", " = ", "=>", " := ", "%3D", "%3a", `": "`, `': '`, `\":\"`, ">", "` = `"} {
				in := "the " + label + sep + generated
				if got, want := redact.Text(in, 1000), "the "+label+sep+redact.Mark; got != want {
					t.Errorf("Text(%q) = %q, want %q", in, got, want)
				}
			}
		})
	}
}

func TestFillersBetweenLabelAndValue(t *testing.T) {
	for _, between := range []string{
		" provided: ", " is: ", " was: ", " given: ", " supplied = ", " used: ", " passed: ", " received: ", " sent: ",
		" value: ", " header: ", " parameter: ", " parameter value is: ", " (given): ", " [x-value]: ",
	} {
		in := "API key" + between + generated
		want := "API key" + between + redact.Mark
		if strings.Contains(between, "x-value") {
			want = in // no word we know
		}
		if got := redact.Text(in, 1000); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

// Behind a weak label only what looks like a secret is one.
func TestWeakLabels(t *testing.T) {
	for _, row := range []struct {
		name, value string
		masked      bool
	}{
		{"letters and digits", "abcdef123456", true},
		{"hex", hex32, true},
		{"too short", "abc123", false},
		{"letters", "configuration.file", false},
		{"digits", "202603011200", false},
		{"a sign", "'<'", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, label := range []string{"key", "token", "signature", "sig", "auth", "jwt", "sas", "primary_key"} {
				in := label + ": " + row.value
				want := in
				if row.masked {
					want = label + ": " + redact.Mark
				}
				if got := redact.Text(in, 1000); got != want {
					t.Errorf("Text(%q) = %q, want %q", in, got, want)
				}
			}
		})
	}
}

func TestOtherNamesAreNoLabels(t *testing.T) {
	for _, s := range []string{
		"tokens: abcdef123456",
		"max_tokens=abcdef123456",
		"keyboard: abcdef123456",
		"keys: abcdef123456",
		"author: abcdef123456",
		"model: abcdef123456",
		"request_id=abcdef123456",
		"system_fingerprint: fp_abcdef123456",
		": abcdef123456",
		"= abcdef123456",
		"-: abcdef123456",
		"id%3Dabcdef123456",
		"100%",
		"a > abcdef123456",
	} {
		if got := redact.Text(s, 1000); got != s {
			t.Errorf("Text(%q) = %q, want it unchanged", s, got)
		}
	}
}

// A word behind the label says what is wrong with the secret.
func TestWordsAreNoSecrets(t *testing.T) {
	for _, word := range []string{
		"missing", "invalid", "required", "none", "null", "empty", "expired", "not set", "is wrong", "Unknown", "undefined",
		"true", "false", "a string", "the one", "your own", "incorrect", "must be set", "cannot be read", "failed",
	} {
		for _, label := range []string{"api key: ", "password: ", "secret=", "Authorization: ", "Authorization: Bearer "} {
			if got := redact.Text(label+word, 1000); got != label+word {
				t.Errorf("Text(%q) = %q, want it unchanged", label+word, got)
			}
		}
	}
}

func TestValues(t *testing.T) {
	long := strings.Repeat("v7", 2000)
	for _, row := range []struct{ name, in, want string }{
		{"ends at a comma", "api_key=v7k2, n=1", "api_key=REDACTED, n=1"},
		{"ends at a brace", "{api_key: v7k2}", "{api_key: REDACTED}"},
		{"ends at a tag", "<secret>v7k2</secret>", "<secret>REDACTED</secret>"},
		{"ends at &", "password=v7k2&n=1", "password=REDACTED&n=1"},
		{"full stop stays", "The api key: v7k2.", "The api key: REDACTED."},
		{"in brackets", "api key: [v7k2]", "api key: [REDACTED]"},
		{"in angle brackets", "api key: <v7k2>", "api key: <REDACTED>"},
		{"Unicode", "password: пароль1", "password: REDACTED"},
		{"empty", `"password": ""`, `"password": ""`},
		{"nothing behind", "password:", "password:"},
		{"closing quote far", `password: "` + strings.Repeat("v7 b ", 400) + `"`, `password: "REDACTED b ` + strings.Repeat("v7 b ", 399) + `"`},
		{"longer than what decides", "password=" + long + " x", "password=REDACTED x"},
		{"longer, at the end", "password=" + long, "password=REDACTED"},
		{"longer, weak label", "token=" + long + ", x", "token=REDACTED, x"},
		{"long cookie", "cookie: " + strings.Repeat("a=1; ", 500) + "\nhost: x", "cookie: REDACTED host: x"},
		{"cookie in quotes", `{"cookie":"a=1; b=2","n":1}`, `{"cookie":"REDACTED","n":1}`},
		{"label in the value", "secret=api_key: v7k2", "secret=REDACTED: REDACTED"},
		{"label in quotes", `secret="api_key: "v7k2"`, `secret="REDACTED: "REDACTED"`},
		{"scheme in the value", "secret=Bearer v7k2m9", "secret=REDACTED"},
		{"scheme twice", "authorization: Bearer Token v7k2m9", "authorization: REDACTED"},
		{"scheme at the end of a key", "sk-1234bearer v7k2m9 x", "REDACTED x"},
		{"bearer token", "bearer token: v7k2m9", "bearer token: REDACTED"},
		{"digest", "Authorization: Digest v7k2", "Authorization: REDACTED"},
		{"negotiate", "Authorization: Negotiate YIIv7k2==", "Authorization: REDACTED=="},
		{"bearer in capitals", "BEARER V7K2M9X4", "BEARER REDACTED"},
		{"bearer and tab", "bearer\tv7k2m9x4", "bearer REDACTED"},
		{"bearer inside a word", "xbearer v7k2m9x4n8p3", "xbearer REDACTED"},
		{"pallbearer", "the pallbearer said", "the pallbearer said"},
		{"bearer at the end", "no Bearer", "no Bearer"},
		{"basic, mixed letters", "basic dXNlcjpwYXNz", "basic REDACTED"},
		{"basic, a title", "Basic Authentication", "Basic Authentication"},
		{"basic, short", "Basic v7k2", "Basic v7k2"},
		{"user and password, @ last", "user:pass@", "user:pass@"},
		{"password with @", "user:p@ss@host", "user:REDACTED@host"},
		{"not a user", ":pass@host", ":pass@host"},
		{"userinfo longer than what is looked at", "http://" + strings.Repeat("a", 100) + ":v7@h", "http://REDACTED@h"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := redact.Text(row.in, 5000); got != row.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", row.in, got, row.want)
			}
		})
	}
}
