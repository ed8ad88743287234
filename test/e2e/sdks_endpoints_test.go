//go:build e2e

package e2e

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// endpoint is what the agent's tables stand on: the variable in which a client
// looks for its address, and the address without it.
type endpoint struct{ client, variable, address string }

// endpoints reads the facts, those of clients that setup.sh installs.
func endpoints(t *testing.T) []endpoint {
	t.Helper()
	f, err := os.Open("../../cmd/agent/testdata/endpoints.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []endpoint
	for _, l := range lines[1:] {
		if !strings.HasPrefix(l[0], "[") {
			list = append(list, endpoint{l[0], l[2], l[3]})
		}
	}
	return list
}

// probe is an address that only one variable has.
func probe(variable string) string {
	return "https://" + strings.ToLower(strings.ReplaceAll(variable, "_", "-")) + ".probe.test"
}

// TestEndpointsOfSDKs asks each installed SDK where it would call: with no
// variable set, and with all of them, each to an address of its own.
func TestEndpointsOfSDKs(t *testing.T) {
	list := endpoints(t)
	var all []string
	for _, e := range list {
		if e.variable != "" {
			all = append(all, e.variable+"="+probe(e.variable))
		}
	}
	slices.Sort(all)
	bare, set := whereto(t, plainEnv(t)), whereto(t, append(plainEnv(t), slices.Compact(all)...))
	for _, e := range list {
		got, known := bare[e.client]
		if !known {
			t.Errorf("%s does not say where it calls", e.client)
			continue
		}
		if got != e.address {
			t.Errorf("%s calls %q, the table stands on %q", e.client, got, e.address)
		}
		want := e.address
		if e.variable != "" {
			want = probe(e.variable)
		}
		if got := set[e.client]; !strings.HasPrefix(got, want) {
			t.Errorf("%s calls %q with every variable set, want %s heeded: %s", e.client, got, e.variable, want)
		}
		delete(bare, e.client)
	}
	if len(bare) > 0 {
		t.Errorf("no facts of %v", slices.Sorted(maps.Keys(bare)))
	}
}

// whereto runs the scripts that build a client of each SDK. What two
// environments have is taken from the newer one.
func whereto(t *testing.T, env []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range []program{
		python(t, "python", "endpoints.py"), scripted(t, "python-new", "endpoints.py", "python-new", "bin", "python"), node(t, "node", "endpoints.mjs"),
	} {
		if _, err := os.Stat(p.argv[0]); err != nil {
			peerUnable(t, p.name+" is not installed; run test/e2e/setup.sh")
		}
		end := start(t, env, "", p.argv...)
		if err := json.Unmarshal([]byte(end.out), &out); err != nil {
			t.Fatalf("%s: %v: exit %d: %s%s", p.name, err, end.code, end.out, end.err)
		}
	}
	return out
}
