package house

import (
	"slices"
	"strings"
	"testing"
)

// room says what a folder's code (not its tests) may import beside the
// standard library. "*" is everything.
type room struct {
	dir   string
	may   []string
	never []ban
}

// ban is an import that is forbidden by name, with the reason.
type ban struct{ path, why string }

func rooms() []room {
	pure := []ban{{"net/http", "pure: no I/O"}, {"os", "pure: no I/O"}, {"time/tzdata", "pure"}}
	return []room{
		{"cmd/agent", []string{"*"}, nil},
		{"capture", []string{
			"llmtap/capture/relay", "llmtap/capture/observe", "llmtap/capture/wire", "llmtap/capture/ca", "llmtap/internal/client",
			"llmtap/internal/client/local", "llmtap/internal/call", "llmtap/internal/redact", "github.com/elazarl/goproxy", "github.com/andybalholm/brotli",
			"github.com/klauspost/compress", "golang.org/x/net/idna", "golang.org/x/net/http2",
		}, []ban{{"llmtap/exporters", "capture knows no sink: it is given emit functions"}}},
		{"capture/relay", []string{"llmtap/capture/ca", "golang.org/x/sys/unix"}, []ban{
			{"llmtap/capture/observe", "the relay takes functions, so that observing cannot reach into it"},
			{"net/http", "no http.Server or http.Transport may re-serialise the bytes"},
		}},
		{"capture/observe", []string{"golang.org/x/net/http2/hpack"}, nil},
		{"capture/ca", []string{"golang.org/x/sync/singleflight"}, nil},
		{"capture/wire", []string{"llmtap/internal/call"}, append(pure, ban{"net", "decoders are pure"}, ban{"time", "times are stamped by the tap"})},
		{"exporters", []string{"llmtap/internal/call"}, []ban{{"llmtap/capture", "records flow one way"}}},
		{"exporters/otlp", []string{"llmtap/internal/call", "go.opentelemetry.io/", "google.golang.org/grpc"}, []ban{{"llmtap/capture", "records flow one way"}}},
		{"exporters/prom", []string{"llmtap/internal/call", "github.com/prometheus/"}, []ban{{"llmtap/capture", "records flow one way"}}},
		{"exporters/sinktest", []string{"llmtap/exporters", "llmtap/internal/call"}, nil},
		{"internal/call", nil, []ban{{"net/http", "nouns know no transport"}}},
		{"internal/redact", nil, nil},
		{"internal/client", []string{"llmtap/internal/call"}, pure},
		{"internal/client/local", []string{"llmtap/internal/call"}, []ban{{"net/http", "it asks the kernel, not a network"}, {"os/exec", "it reads, and starts nothing"}}},
		{"internal/diagnose", []string{"llmtap/internal/call"}, pure},
		{"internal/compare", []string{"llmtap/internal/call"}, pure},
		{"internal/explain", []string{"llmtap/internal/call"}, append(pure, ban{"llmtap/internal/diagnose", "advice is in the record; whom it names is in its text"})},
		{"internal/serverlog", []string{"llmtap/internal/call", "llmtap/internal/redact"}, pure},
		{"internal/serverlog/tail", nil, []ban{{"net", "it reads files of this host"}, {"os/exec", "it reads, and starts nothing"}}},
		{"internal/store", []string{"llmtap/internal/call", "modernc.org/sqlite"}, nil},
		{"internal/web", []string{"llmtap/internal/call", "llmtap/internal/compare", "llmtap/internal/explain"}, nil},
		{"internal/report", []string{"llmtap/internal/call", "llmtap/internal/compare", "llmtap/internal/explain", "llmtap/internal/redact"}, pure},
		{"internal/check", []string{"llmtap/internal/call"}, []ban{{"os", "keys and environment are handed to it"}, {"os/exec", "it starts nothing"}}},
		{"internal/faultllm", nil, nil},
		{"internal/hub", nil, []ban{{"os", "its settings are handed to it"}}},
		{"deploy/jupyterhub", nil, []ban{{"os", "it is a text"}}},
		{"test/", []string{"*"}, nil},
	}
}

// TestArrows fails on an import that the design does not draw.
func TestArrows(t *testing.T) {
	for _, s := range tree(t) {
		if s.test {
			continue
		}
		r, ok := roomOf(s.dir)
		if !ok {
			t.Errorf("%s: folder %s is in no room of the design; put it on the map first", s.path, s.dir)
			continue
		}
		for _, path := range s.imports() {
			if why := forbidden(r, path); why != "" {
				t.Errorf("%s imports %s: %s", s.path, path, why)
			}
		}
	}
}

func roomOf(dir string) (room, bool) {
	for _, r := range rooms() {
		if r.dir == dir || (strings.HasSuffix(r.dir, "/") && strings.HasPrefix(dir, r.dir)) {
			return r, true
		}
	}
	return room{}, false
}

func forbidden(r room, path string) string {
	for _, b := range r.never {
		if path == b.path || strings.HasPrefix(path, b.path+"/") && b.path != "net" && b.path != "time" && b.path != "os" {
			return b.why
		}
	}
	if standard(path) || slices.Contains(r.may, "*") {
		return ""
	}
	for _, m := range r.may {
		if path == m || (!strings.HasPrefix(m, "llmtap/") && strings.HasPrefix(path, strings.TrimSuffix(m, "/")+"/")) {
			return ""
		}
	}
	return "no arrow of the design leads there from " + r.dir
}

// TestArrowsCanFail proves that the rules bite.
func TestArrowsCanFail(t *testing.T) {
	for dir, path := range map[string]string{
		"capture/wire": "time", "capture/relay": "net/http", "exporters/prom": "llmtap/capture", "capture": "llmtap/exporters/prom",
		"internal/call": "llmtap/internal/redact", "internal/faultllm": "llmtap/internal/call", "internal/store": "llmtap/internal/web",
		"internal/diagnose": "net/http", "internal/client/local": "os/exec", "internal/explain": "llmtap/internal/diagnose", "capture/observe": "github.com/elazarl/goproxy", "internal/web": "github.com/prometheus/client_golang/prometheus",
	} {
		r, ok := roomOf(dir)
		if !ok || forbidden(r, path) == "" {
			t.Errorf("%s may import %s", dir, path)
		}
	}
}
