package main

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
)

// endpointFact is what an SDK's own source says about its address.
type endpointFact struct{ client, variable, address, row string }

// endpointFacts reads testdata/endpoints.csv, which the end-to-end tests hold
// against the installed SDKs.
func endpointFacts(t *testing.T) []endpointFact {
	t.Helper()
	f, err := os.Open("testdata/endpoints.csv")
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
	var out []endpointFact
	for _, l := range lines[1:] {
		out = append(out, endpointFact{l[0], l[2], l[3], l[4]})
	}
	return out
}

// TestEndpointsAreThoseOfTheSDKs: the tables name the variable that each SDK
// reads, and what is filled in is where it goes without.
func TestEndpointsAreThoseOfTheSDKs(t *testing.T) {
	confirmed := map[string]bool{}
	for _, f := range endpointFacts(t) {
		i := slices.IndexFunc(clients(), func(c knownClient) bool { return c.name == f.row })
		if i < 0 {
			t.Errorf("%s: no client %q", f.client, f.row)
			continue
		}
		if f.variable == "" {
			continue // its address is set in code
		}
		if row := clients()[i]; !slices.Contains(row.endpoints, f.variable) {
			t.Errorf("%s reads %s, but %s has only %v", f.client, f.variable, row.name, row.endpoints)
		}
		j := slices.IndexFunc(endpointVariables(), func(v endpointVariable) bool { return v.name == f.variable })
		if j < 0 {
			t.Errorf("%s reads %s, which is no endpoint variable", f.client, f.variable)
			continue
		}
		v := endpointVariables()[j]
		if v.service == "" {
			continue
		}
		confirmed[v.name] = true
		if got := strings.TrimSuffix(f.address, "/"); v.fill && got != v.service || !strings.HasPrefix(got, v.service) {
			t.Errorf("%s goes to %s without %s, the table says %s", f.client, f.address, v.name, v.service)
		}
	}
	for _, v := range endpointVariables() {
		if v.fill && !confirmed[v.name] {
			t.Errorf("%s is filled in with %s, which no SDK confirms", v.name, v.service)
		}
	}
}
