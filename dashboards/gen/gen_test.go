package gen_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"llmtap/dashboards/gen"
)

func all(t testing.TB, o gen.Options) []gen.Board {
	t.Helper()
	boards, err := gen.All(o)
	if err != nil {
		t.Fatal(err)
	}
	return boards
}

func file(t testing.TB, b gen.Board) []byte {
	t.Helper()
	raw, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The files that people import are those that the code makes.
func TestCommittedEqualsGenerated(t *testing.T) {
	var want []string
	for _, b := range all(t, gen.Options{}) {
		name := filepath.Join("..", "json", b.UID+".json")
		want = append(want, name)
		committed, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(committed, file(t, b)) {
			t.Errorf("%s is not what the generator makes: run make dashboards", name)
		}
	}
	got, err := filepath.Glob("../json/*.json")
	if err != nil || len(got) != len(want) {
		t.Errorf("json holds %v, want %v (%v)", got, want, err)
	}
}

func TestTheSevenDashboards(t *testing.T) {
	var got []string
	for _, b := range all(t, gen.Options{}) {
		got = append(got, b.UID+": "+*b.Dashboard.Title)
	}
	want := `llmtap-why: Why does it fail?
llmtap-compare: Direct vs framework, stream vs plain
llmtap-versions: Client versions
llmtap-streams: Stream shape
llmtap-pair: Two calls side by side
llmtap-agent: Is the recorder healthy and innocent?
llmtap-slo: Objectives`
	if g := strings.Join(got, "\n"); g != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
}

// Grafana's own model knows every member that we write. The SDK refuses the
// footer that its own builder leaves empty; ours names a reducer.
func TestFilesFitTheModel(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, b := range all(t, gen.Options{}) {
		var d dashboard.Dashboard
		var problems cog.BuildErrors // an empty list is not a nil error
		if err := d.UnmarshalJSONStrict(file(t, b)); errors.As(err, &problems) && len(problems) > 0 || err != nil && problems == nil && err.Error() != "" {
			t.Errorf("%s: %v", b.UID, err)
		}
	}
}

func TestTempoAsksTraceQL(t *testing.T) {
	var found bool
	for _, b := range all(t, gen.Options{Tracing: gen.TracingTempo}) {
		text := string(file(t, b))
		if strings.Contains(text, "jaeger") {
			t.Errorf("%s still asks Jaeger", b.UID)
		}
		found = found || strings.Contains(text, "{ status = error && span.gen_ai.operation.name != nil }")
	}
	if !found {
		t.Error("no dashboard looks for failing traces")
	}
	if _, err := gen.All(gen.Options{Tracing: "zipkin"}); err == nil {
		t.Error("an unknown trace store was accepted")
	}
}

func TestRunbooksAddress(t *testing.T) {
	const at = "https://git.example/llmtap/docs/runbooks"
	for _, b := range all(t, gen.Options{Runbooks: at}) {
		text := string(file(t, b))
		if strings.Contains(text, `"docs/runbooks"`) || strings.Contains(text, "(docs/runbooks/") {
			t.Errorf("%s ignores the address", b.UID)
		}
		if !strings.Contains(text, at) {
			t.Errorf("%s does not know the address", b.UID)
		}
	}
}

func TestDelta(t *testing.T) {
	got := gen.Delta(`x{a="b"}`, "1h")
	if want := `((increase(x{a="b"}[1h]) and x{a="b"} offset 1h) or (x{a="b"} unless x{a="b"} offset 1h))`; got != want {
		t.Errorf("Delta = %s, want %s", got, want)
	}
}
