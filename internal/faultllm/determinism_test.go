package faultllm_test

import (
	"slices"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// TestAnswersAreDeterministic plays every scenario on two services of their own
// and compares every byte, heads and chunk sizes included.
func TestAnswersAreDeterministic(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			a, b := start(t, way), start(t, way)
			for _, sc := range faultllm.Scenarios() {
				if sc.ID == "bench" {
					continue // stamped with the time
				}
				for _, stream := range []bool{true, false} {
					target := "/openai/deployments/" + sc.ID + "/chat/completions?api-version=1&" + quick(sc.ID)
					body := string(sc.Body(stream))
					first, errFirst := a.raw(t, target, body)
					second, errSecond := b.raw(t, target, body)
					if first != second {
						t.Errorf("%s (stream=%v): answers differ at byte %d of %d and %d", sc.ID, stream, differ(first, second), len(first), len(second))
					}
					if ending(errFirst) != ending(errSecond) {
						t.Errorf("%s (stream=%v): ends differ: %v, %v", sc.ID, stream, errFirst, errSecond)
					}
				}
			}
		})
	}
}

func differ(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestSameAnswerOverHTTP2(t *testing.T) {
	h1, h2 := start(t, overTLS), start(t, overH2)
	for _, id := range []string{"ok-openai", "ok-azure", "refuse-400", "serr-done", "enc-zstd", "e500-apim"} {
		t.Run(id, func(t *testing.T) {
			body := string(scenario(t, id).Body(true))
			a, b := h1.post(t, id, fast, body), h2.post(t, id, fast, body)
			if a.body != b.body {
				t.Errorf("bodies differ at byte %d", differ(a.body, b.body))
			}
			if a.proto != "HTTP/1.1" || b.proto != "HTTP/2.0" {
				t.Errorf("spoke %s and %s, want HTTP/1.1 and HTTP/2.0", a.proto, b.proto)
			}
			for name := range a.header {
				if !slices.Equal(a.header[name], b.header[name]) {
					t.Errorf("%s: %q over HTTP/1.1, %q over HTTP/2", name, a.header[name], b.header[name])
				}
			}
		})
	}
}

func TestIdsDependOnTheScenario(t *testing.T) {
	s := start(t, plainHTTP)
	ids := map[string]string{}
	for _, id := range []string{"ok-openai", "ok-plain", "e500-openai", "unheard-of"} {
		a := s.post(t, id, fast, "{}")
		request := a.header.Get("X-Request-Id")
		if request == "" || ids[request] != "" {
			t.Errorf("%s: request id %q, used by %q", id, request, ids[request])
		}
		ids[request] = id
	}
}

func TestHeadersTellWhoWrote(t *testing.T) {
	s := start(t, plainHTTP)
	own := []string{"X-Ms-Region", "Apim-Request-Id", "X-Request-Id", "Openai-Processing-Ms"}
	azure := []string{"X-Ms-Region", "Apim-Request-Id", "X-Request-Id"}
	openai := []string{"X-Request-Id", "Openai-Processing-Ms"}
	for _, tc := range []struct {
		name, path, id string
		want           []string
	}{
		{"azure healthy", "/openai/deployments/ok-azure/chat/completions", "", azure},
		{"azure v1 healthy", "/openai/v1/chat/completions", "ok-azure", azure},
		{"openai healthy", "/v1/chat/completions", "ok-openai", openai},
		{"openai refusal", "/v1/chat/completions", "refuse-400", openai},
		{"azure refusal", "/openai/deployments/refuse-400/chat/completions", "", azure},
		{"gateway on azure", "/openai/deployments/stream-500-apim/chat/completions", "", nil},
		{"gateway on openai", "/v1/chat/completions", "e500-apim", nil},
		{"azure's front", "/openai/deployments/stream-500-apim-own/chat/completions", "", azure},
		{"azure's front on openai", "/v1/chat/completions", "e500-apim-own", azure},
		{"bare refusal", "/openai/deployments/refuse-403/chat/completions", "", nil},
		{"login page", "/openai/deployments/html-login/chat/completions", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, "POST", tc.path+"?"+fast, `{"model":"`+tc.id+`","stream":true}`)
			for _, h := range own {
				if got, want := a.header.Get(h) != "", slices.Contains(tc.want, h); got != want {
					t.Errorf("%s present: %v, want %v", h, got, want)
				}
			}
		})
	}
}

func TestDateIsTheClocks(t *testing.T) {
	s := start(t, plainHTTP)
	for _, id := range []string{"ok-plain", "e500-apim", "frame-cl-te"} {
		a, _ := s.raw(t, "/openai/deployments/"+id+"/chat/completions", "{}")
		if want := "\r\nDate: Tue, 24 Nov 2026 09:30:00 GMT\r\n"; strings.Count(a, want) != 1 {
			t.Errorf("%s: want one %q in:\n%s", id, want, a)
		}
	}
}
