package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
)

// TestClientsDoc: docs/clients.md is the tables; -update writes it.
func TestClientsDoc(t *testing.T) {
	tmpl, err := template.ParseFiles("testdata/clients.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = tmpl.Execute(&b, map[string]string{
		"Variables": variablesTable(), "Clients": clientsTable(), "Blocked": blockedList(), "Endpoints": endpointsTable(),
	})
	if err != nil {
		t.Fatal(err)
	}
	const path = "../../docs/clients.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(page), b.String()); d != "" {
		t.Errorf("the page is not the tables; run with -update (-page +tables):\n%s", d)
	}
}

func variablesTable() string {
	holds := map[role]string{
		roleProxy: "the proxy's address", roleNoProxy: "hosts that go past it", roleSwitch: "`1`",
		roleReplaces: "replaces the trust store", roleAdds: "adds to the trust store",
	}
	var b strings.Builder
	b.WriteString("| Variable | Holds | Heeded by |\n|---|---|---|\n")
	for _, v := range clientVariables() {
		var by []string
		for _, c := range clients() {
			if heeds(c, v.name) {
				by = append(by, c.name)
			}
		}
		who := strings.Join(by, "; ")
		switch {
		case v.role == roleNoProxy:
			who = "every client that heeds a proxy"
		case v.name == "NODE_USE_ENV_PROXY":
			who = "Node ≥ 22.21 or ≥ 24.5"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.name, holds[v.role], who)
	}
	return b.String()
}

// heeds reports whether a client reads a variable; names of proxies count in
// both cases unless the table has the lower one.
func heeds(c knownClient, name string) bool {
	return slices.Contains(c.trust, name) || slices.ContainsFunc(c.proxy, func(p string) bool {
		return p == name || p == strings.ToUpper(p) && strings.EqualFold(p, name)
	})
}

func clientsTable() string {
	var b strings.Builder
	b.WriteString("| Client | Heeds | Does not heed | Endpoint variables | How | Seen |\n|---|---|---|---|---|---|\n")
	for _, c := range clients() {
		how := c.extra
		if c.blocked != "" {
			how = "**no proxy**: " + how
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", c.name, code(append(slices.Clone(c.proxy), c.trust...)), code(c.ignored),
			code(c.endpoints), how, or(c.seen, "every call, decoded"))
	}
	return b.String()
}

func code(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "`" + n + "`"
	}
	return strings.Join(quoted, " ")
}

func blockedList() string {
	var b strings.Builder
	for _, c := range clients() {
		if c.blocked != "" {
			fmt.Fprintf(&b, "- **%s**: %s.\n", c.name, c.blocked)
		}
	}
	return b.String()
}

func endpointsTable() string {
	var b strings.Builder
	b.WriteString("| Variable | Route | Without it, filled in as |\n|---|---|---|\n")
	for _, v := range endpointVariables() {
		fill := ""
		if v.fill {
			fill = "`" + v.service + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.name, or(v.route, "none: "+signed), fill)
	}
	return b.String()
}

// TestClientsTable: every row says how to put the client behind llmtap, by
// variables that env sets, or why there are none.
func TestClientsTable(t *testing.T) {
	set := map[string]bool{}
	for _, v := range clientVariables() {
		set[v.name] = true
	}
	known := map[string]bool{}
	for _, v := range endpointVariables() {
		known[v.name] = true
	}
	isSet := func(name string) bool { return set[name] }
	names := map[string]bool{}
	for _, c := range clients() {
		if names[c.name] || strings.ContainsAny(c.name+c.extra+c.blocked+c.seen, "|\n") {
			t.Errorf("%s: twice, or it breaks the table", c.name)
		}
		names[c.name] = true
		if c.blocked == "" && (!slices.ContainsFunc(c.proxy, isSet) || !slices.ContainsFunc(c.trust, isSet)) {
			t.Errorf("%s: nothing that env sets reaches it", c.name)
		}
		if c.blocked != "" && (len(c.proxy) > 0 || c.extra == "" || blockedBy(c.runtime) != c.blocked) {
			t.Errorf("%s: it cannot be proxied, and yet: %+v", c.name, c)
		}
		for _, e := range c.endpoints {
			if !known[e] {
				t.Errorf("%s: %s is in no table", c.name, e)
			}
		}
		if i := slices.IndexFunc(c.ignored, func(n string) bool { return slices.Contains(c.trust, n) }); i >= 0 {
			t.Errorf("%s: heeds and does not heed %s", c.name, c.ignored[i])
		}
	}
	for name := range set {
		if !slices.ContainsFunc(clients(), func(c knownClient) bool { return heeds(c, name) }) && !strings.EqualFold(name, "NO_PROXY") && name != "NODE_USE_ENV_PROXY" {
			t.Errorf("%s is set for nobody", name)
		}
	}
}

func TestEndpointTable(t *testing.T) {
	for _, v := range endpointVariables() {
		e, ok := v.endpoint(v.service)
		switch {
		case v.fill && (!ok || v.route == ""):
			t.Errorf("%s: nothing to fill in", v.name)
		case v.service != "" && !ok:
			t.Errorf("%s: %q is no endpoint", v.name, v.service)
		case strings.ContainsAny(v.route, "/?# =") || v.route != strings.ToLower(v.route):
			t.Errorf("%s: route %q", v.name, v.route)
		case ok && e.plain != loopback(e.host):
			t.Errorf("%s: %q must be https, unless it is here", v.name, v.service)
		}
	}
}

func TestBlockedBy(t *testing.T) {
	for runtime, want := range map[string]string{"node": "Node before 22.21", "python": "aiohttp", "": "does not heed HTTPS_PROXY", "java": "does not heed HTTPS_PROXY"} {
		if got := blockedBy(runtime); !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q in it", runtime, got, want)
		}
	}
}
