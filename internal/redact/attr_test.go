package redact_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"llmtap/internal/redact"
)

const canary = "pq93zw71kv58mt20"

// panicky is a value whose text cannot be had.
type panicky struct{}

func (*panicky) Error() string { panic("no text") }

// lazy resolves itself only when it is logged.
type lazy struct{}

func (lazy) LogValue() slog.Value { return slog.StringValue("Bearer " + canary) }

// settings is a struct somebody logs whole.
type settings struct {
	Host    string
	API_Key string //nolint:staticcheck // named as a configuration file names it
}

func logged(attrs ...any) string {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: redact.Attr, AddSource: true})).
		Error("call failed", attrs...)
	return out.String()
}

func TestAttrMasksSecrets(t *testing.T) {
	u, err := url.Parse("https://u:" + canary + "@h/?key=" + canary)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		attr slog.Attr
	}{
		{"credential name", slog.String("api_key", canary)},
		{"token", slog.String("token", "short")},
		{"number under a credential name", slog.Int64("password", 93715820)},
		{"camel case", slog.String("accessToken", canary)},
		{"string", slog.String("error", "401: api key: "+canary)},
		{"error", slog.Any("error", fmt.Errorf("dial: %w", errors.New("http://u:"+canary+"@h")))},
		{"URL", slog.Any("target", u)},
		{"URL by value", slog.Any("target", *u)},
		{"bytes", slog.Any("body", []byte(`{"api_key":"`+canary+`"}`))},
		{"list", slog.Any("args", []string{"--header", "api-key: " + canary})},
		{"map", slog.Any("header", map[string][]string{"Api-Key": {canary}})},
		{"struct", slog.Any("settings", settings{"h", canary})},
		{"group", slog.Group("request", slog.String("authorization", canary))},
		{"in a group named so", slog.Group("credentials", slog.String("name", canary))},
		{"weak name, strong look", slog.String("key", canary)},
		{"log valuer", slog.Any("auth", lazy{})},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := logged(row.attr)
			if strings.Contains(got, canary) || strings.Contains(got, "93715820") || strings.Contains(got, "short") {
				t.Errorf("the secret was logged: %s", got)
			}
			if !strings.Contains(got, redact.Mark) {
				t.Errorf("no mark in %s", got)
			}
		})
	}
}

func TestAttrKeepsWhatIsNoSecret(t *testing.T) {
	for want, attr := range map[string]slog.Attr{
		"max_tokens=8192":            slog.Int("max_tokens", 8192),
		"authorization=true":         slog.Bool("authorization", true),
		"took=1.5s":                  slog.Duration("took", 1500*time.Millisecond),
		"key=proxy.auth":             slog.String("key", "proxy.auth"),
		"host=x.openai.azure.com":    slog.String("host", "x.openai.azure.com"),
		`error="connection refused"`: slog.Any("error", errors.New("connection refused")),
		"none=<nil>":                 slog.Any("none", nil),
		"url=<nil>":                  slog.Any("url", (*url.URL)(nil)),
		"names=\"[a b]\"":            slog.Any("names", []string{"a", "b"}),
		"level=ERROR":                slog.Any("x", slog.LevelInfo),
		"attr_test.go":               slog.Int("n", 1),
	} {
		if got := logged(attr); !strings.Contains(got, want) {
			t.Errorf("%v: logged %s, want %s in it", attr, got, want)
		}
	}
}

func TestAttrSurvivesBadValues(t *testing.T) {
	for name, v := range map[string]any{"panics": &panicky{}, "nil receiver": (*panicky)(nil), "channel": make(chan int)} {
		if got := logged("error", v); !strings.Contains(got, "call failed") {
			t.Errorf("%s: logged %q", name, got)
		}
	}
	if got := logged("stack", strings.Repeat("goroutine 1\n", 1<<15)); len(got) > 20<<10 {
		t.Errorf("a value of %d bytes was logged", len(got))
	}
}

func TestMessageIsRedactedToo(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: redact.Attr})).
		With("proxy", "http://u:"+canary+"@h").Info("sent Bearer " + canary)
	if strings.Contains(out.String(), canary) {
		t.Errorf("logged %s", out.String())
	}
}
