//go:build e2e

package e2e

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// sdkScenarios are those that every SDK meets on every surface; a dialect's own
// ones come on top, unless few are wanted. Those of chat completions are
// TestDifferential's.
func sdkScenarios(few bool) (plain, stream []string) {
	if few {
		plain = []string{"ok-plain", "e500-openai"}
		return plain, append(slices.Clone(plain), "refuse-400", "serr-eof", "cut-chunk", "inc-eof")
	}
	plain = []string{"ok-plain", "enc-gzip", "e500-openai", "e500-apim", "rate-429", "auth-401", "html-login"}
	stream = append(slices.Clone(plain), "refuse-400", "serr-eof", "serr-rate", "cut-chunk", "inc-eof", "empty-0", "mode-json")
	return plain, stream
}

// speaks reports whether the dialect knows the scenario.
func speaks(s faultllm.Scenario, api string) bool {
	if api == faultllm.APIOpenAI || api == faultllm.APIAzure {
		return s.Chat()
	}
	return slices.ContainsFunc(s.Requests(true), func(q faultllm.Request) bool { return q.API == api })
}

// name is that of the surface in the tables.
func (f surface) name() string {
	if f.async {
		return f.kind + "-async"
	}
	return f.kind
}

// task is one call of the surface.
func (f surface) task(scenario string, streamed bool) task {
	return task{Name: f.name() + "/" + scenario + "/" + mode(streamed), Kind: f.kind, Scenario: scenario, Stream: streamed, Async: f.async}
}

// tasks is the matrix of one surface.
func (f surface) tasks(few bool) []task {
	var list []task
	few = few || f.async
	plain, stream := sdkScenarios(few)
	for _, s := range faultllm.Scenarios() {
		if !speaks(s, f.speaks) {
			continue
		}
		own := !few && !s.Chat() && s.API == f.speaks && s.Takes == 0 && s.Needs == ""
		for _, streamed := range []bool{false, true} {
			named := plain
			if streamed {
				named = stream
			}
			if f.leaves(s, streamed) {
				continue
			}
			if slices.Contains(named, s.ID) || own && (streamed || s.ClassOf(false) == s.Class) {
				list = append(list, f.task(s.ID, streamed))
			}
		}
	}
	return append(list, f.more()...)
}

// more are the calls with a tool, and those that the SDK makes again: after a
// 429, after two 500s, and until it gives up.
func (f surface) more() []task {
	var list []task
	for _, streamed := range []bool{false, true} {
		if f.tools != "" {
			k := f.task(f.tools, streamed)
			k.Tools = true
			list = append(list, k)
		}
		if f.repeats == repeatsNone {
			continue
		}
		for _, scenario := range []string{"ok-retry", "flaky-500", "to-502-fast"} {
			if scenario == "to-502-fast" && f.repeats == repeatsTimed {
				continue
			}
			k := f.task(scenario, streamed)
			k.Retries = 2
			list = append(list, k)
		}
	}
	return list
}

// attempts is how many requests the task makes.
func (f surface) attempts(k task) int {
	switch {
	case f.repeats == repeatsPlain && k.Stream:
		return 1
	case k.Scenario == "ok-retry":
		return 2
	}
	return 1 + k.Retries
}

// leaves reports whether the SDK closes the connection in the midst of the
// answer, so that the record depends on how far that was: boto3 asks for no
// content coding, and takes a coded stream for a broken one.
func (f surface) leaves(s faultllm.Scenario, streamed bool) bool {
	return s.ID == "enc-gzip" && streamed && (f.speaks == faultllm.APIConverse || f.speaks == faultllm.APIInvoke)
}

// TestSDKs drives the SDKs of every dialect, directly and through the agent:
// plain, streamed, with errors before and inside the stream. What they show must
// be the same, and the records what the service did.
func TestSDKs(t *testing.T) {
	list, id := sdks(t), newIdentity(t)
	all := &verdicts{cells: map[string]map[string]string{}}
	t.Run("sdks", func(t *testing.T) {
		for _, s := range list {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.compare(t, id, all)
			})
		}
	})
	var columns []program
	for _, s := range list {
		columns = append(columns, s.program)
	}
	t.Log(all.table(columns))
}

// compare plays all surfaces on both ways and checks the agent's records.
func (s sdk) compare(t *testing.T, id identity, all *verdicts) {
	t.Helper()
	var list []task
	var requests []attempt
	for _, f := range s.surfaces {
		for _, k := range f.tasks(s.few) {
			list = append(list, k)
			for n := range f.attempts(k) {
				requests = append(requests, attempt{task: k, n: n + 1, of: f.attempts(k)})
			}
		}
	}
	straight, tapped := newInternet(t, id), newInternet(t, id)
	a := behind(t, tapped)
	want := s.play(t, directEnv(t, straight), list)
	got := s.play(t, throughEnv(t, a), list)
	if len(got) != len(want) || len(want) != len(list) {
		t.Fatalf("%d results directly, %d through the agent, want %d each", len(want), len(got), len(list))
	}
	for i, k := range list {
		verdict := "same"
		if got[i] != want[i] {
			verdict = "DIFFERENT"
			t.Errorf("%s differs\n direct:  %s\n through: %s", k.Name, clip(want[i].text), clip(got[i].text))
		}
		all.add(k.Scenario+"/"+mode(k.Stream), s.name, verdict)
	}
	if d, u := straight.asked(), tapped.asked(); len(d) == 0 || len(u) == 0 {
		t.Errorf("connections: %d directly, %d through the agent: a leg did not go where it should", len(d), len(u))
	}
	s.checkShown(t, got)
	s.checkRecords(t, recordsOf(t, a, len(requests)), requests)
}

// add is set for a client with several surfaces: its cell says the worst.
func (v *verdicts) add(scenario, client, verdict string) {
	v.mu.Lock()
	before := v.cells[scenario][client]
	v.mu.Unlock()
	if before == "" || before == "same" {
		v.set(scenario, client, verdict)
	}
}

// checkShown: healthy calls gave the text, and what an error shows is the SDK's
// own. The comparison of two equal nothings would prove nothing.
func (s sdk) checkShown(t *testing.T, got []outcome) {
	t.Helper()
	for _, o := range got {
		_, rest, _ := strings.Cut(o.name, "/")
		want := cmp.Or(s.shows[o.name], s.shows[rest])
		switch {
		case want != "":
		case strings.HasPrefix(rest, inPieces):
			want = `"tools":"count_owls{\"field\":\"north\",\"night\":3}"`
		case strings.HasPrefix(rest, "ok-"), strings.HasPrefix(rest, "flaky-"):
			want = "Owls hunt at night because their "
		}
		if !strings.Contains(o.text, want) {
			t.Errorf("%s shows %s, want %q in it", o.name, clip(o.text), want)
		}
	}
}
