package compare_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// mutant is a chat request in which anything may have been overwritten: what a
// damaged store, an older program or a hostile client leaves behind.
func mutant(seed uint64, status int) call.Record {
	rng := rand.New(rand.NewPCG(seed, 7))
	r := asked(fmt.Sprint(seed), float64(seed%1000), status)
	if rng.IntN(2) == 0 {
		streamed(&r)
	}
	scramble(reflect.ValueOf(&r).Elem(), rng)
	return r
}

// scramble overwrites about one field in four.
func scramble(v reflect.Value, rng *rand.Rand) {
	if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() {
		for _, field := range v.Fields() {
			if field.CanSet() {
				scramble(field, rng)
			}
		}
		return
	}
	if rng.IntN(4) > 0 {
		return
	}
	words := []string{"", "a", "stream", "messages", "stream_options", "model", "body.stream", "unknown", "REDACTED", "null", `"x"`, "\x00\xff\n", "ä☃", "x-a", "tools", "user"}
	word := func() string { return words[rng.IntN(len(words))] }
	switch x := v.Addr().Interface().(type) {
	case *[]string:
		*x = []string{word(), word(), word()}
	case *[]call.Param:
		*x = []call.Param{{Name: word(), Value: word()}, {Name: word() + "." + word(), Value: word()}, {Name: word(), Value: word()}}
	case *[]call.Header:
		*x = []call.Header{{Name: word(), Value: word()}, {Name: word(), Value: word()}}
	case *[]call.Oddity:
		*x = []call.Oddity{{Name: word(), Count: rng.IntN(3)}}
	case *time.Time:
		*x = at(float64(rng.IntN(100) - 50))
	case *string:
		*x = word()
	default:
		switch v.Kind() {
		case reflect.Uint8:
			v.SetUint(uint64(rng.IntN(12)))
		case reflect.Int, reflect.Int64:
			v.SetInt(rng.Int64N(1<<40) - 1<<20)
		case reflect.Bool:
			v.SetBool(rng.IntN(2) == 0)
		}
	}
}

func swap(list []call.Change) []call.Change {
	out := make([]call.Change, len(list))
	for i, c := range list {
		out[i] = call.Change{Path: c.Path, Failing: c.Working, Working: c.Failing}
	}
	return out
}

// checkPair fails if two records break what Diff promises of any two.
func checkPair(t *testing.T, a, b call.Record) {
	t.Helper()
	for _, same := range []call.Record{a, b} {
		if list := compare.Diff(same, same); len(list) > 0 {
			t.Fatalf("a call differs from itself: %v", list)
		}
	}
	list := compare.Diff(a, b)
	if d := cmp.Diff(swap(list), compare.Diff(b, a)); d != "" {
		t.Fatalf("swapping the calls does more than swap the values:\n%s", d)
	}
	ranked := compare.Rank(a, b, []call.Record{a, b, b, a})
	if len(ranked) != len(list) {
		t.Fatalf("%d of %d differences are ranked", len(ranked), len(list))
	}
	after := false
	for _, r := range ranked {
		if cause := r.Role == compare.RoleCause; cause && after {
			t.Fatalf("a cause follows consequences: %v", ranked)
		} else if !cause {
			after = true
		}
		if consequence(r.Path) == (r.Role == compare.RoleCause) {
			t.Fatalf("%s is a %s", r.Path, r.Role)
		}
		if c := r.Counts; c.Failing > c.OfFailing || c.Working > c.OfWorking || r.Unclear && c != (compare.Counts{}) {
			t.Fatalf("counts %+v", r)
		}
	}
	c := compare.Compare(a, b, nil)
	if c.Explains == "" || len(c.Explains) > 2000 || c.Smallest != nil && consequence(c.Smallest.Path) {
		t.Fatalf("explained by %v: %s", c.Smallest, c.Explains)
	}
	if _, err := json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	compare.Counterpart(a, []call.Record{b, a})
	compare.Likeness(a, b)
}

// FuzzDiff compares records made of anything.
func FuzzDiff(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, seed+1, int16(500), int16(200))
	}
	f.Fuzz(func(t *testing.T, a, b uint64, x, y int16) {
		checkPair(t, mutant(a, int(x)), mutant(b, int(y)))
	})
}

// TestDiffProperties is FuzzDiff over a fixed number of pairs.
func TestDiffProperties(t *testing.T) {
	for seed := range uint64(3000) {
		checkPair(t, mutant(seed, 500), mutant(seed*7+1, 200))
	}
	checkPair(t, call.Record{}, asked("a", 0, 200))
	checkPair(t, call.Record{}, call.Record{})
}

// FuzzDiffJSON compares records as a store hands them out, of any version.
func FuzzDiffJSON(f *testing.F) {
	text, err := json.Marshal(asked("a", 0, 500, streamed, with("temperature", "0.7")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), `{"schema":1}`)
	f.Add(`{"request":{"stream_flag":"true","keys":["stream"]},"response":{"status":500}}`, `{"request":{"params":{"n":null}},"response":{"status":200}}`)
	f.Fuzz(func(t *testing.T, x, y string) {
		var a, b call.Record
		if json.Unmarshal([]byte(x), &a) != nil || json.Unmarshal([]byte(y), &b) != nil {
			return
		}
		checkPair(t, a, b)
	})
}

// TestDiffShowsNoSecret puts a canary wherever a prompt, a credential or a
// person can be in a record; where values are shown, a list says which.
func TestDiffShowsNoSecret(t *testing.T) {
	const canary = "canary"
	plant := func(r *call.Record, n string) {
		c := canary + n
		r.Content = call.Content{Request: c, Response: c}
		r.Client.User, r.Client.Address = c, c
		_ = r.Target.Auth.Digest.UnmarshalText([]byte(c))
		_ = r.Request.Hints.Body.UnmarshalText([]byte(c))
		_ = r.Request.Hints.Core.UnmarshalText([]byte(c))
		r.Request.URL = "https://" + c + ":" + c + "@x.example/v1?key=" + c + "&code=" + c + "&x=" + c + "#" + c
		r.Request.Params = []call.Param{
			{Name: "user", Value: `"` + c + `"`}, {Name: "stop", Value: `["` + c + `"]`}, {Name: "previous_response_id", Value: `"` + c + `"`},
			{Name: "prompt", Value: `"tell me of ` + c + `"`}, {Name: "metadata.name", Value: `"` + c + `"`}, {Name: "messages", Value: `"` + c + `"`},
			{Name: "x", Value: `{"a":"` + c + `"}`},
		}
		for _, name := range []string{"authorization", "api-key", "cookie", "x-tenant", "x-stainless-api-key", "x-stainless-token", "x-stainless-auth"} {
			r.Request.Hints.Headers = append(r.Request.Hints.Headers, call.Header{Name: name, Value: c})
		}
		r.Response.Headers = []call.Header{{Name: "set-cookie", Value: c}, {Name: "x-request-id", Value: c}, {Name: "x-ratelimit-user", Value: c}}
		r.Response.Error.Message, r.Response.ID, r.End.Detail, r.Diagnosis.Text = c, c, c, c
		r.Request.Hints.InvocationID, r.Request.Hints.RetryCount = c, c
	}
	a, b := asked("a", 0, 500, streamed), asked("b", 5, 200)
	for name, pair := range map[string][2]call.Record{
		"both":        {planted(a, plant, "1"), planted(b, plant, "2")},
		"failing one": {planted(a, plant, "1"), b},
		"working one": {a, planted(b, plant, "2")},
	} {
		c := compare.Compare(pair[0], pair[1], []call.Record{planted(a, plant, "3"), planted(b, plant, "4")})
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), canary) {
			t.Errorf("%s: %s", name, text)
		}
		if len(c.Changes) < 15 {
			t.Errorf("%s: the canaries were not compared: %s", name, text)
		}
	}
}

func planted(r call.Record, plant func(*call.Record, string), n string) call.Record {
	plant(&r, n)
	return r
}

// BenchmarkCompare is a comparison over a full window.
func BenchmarkCompare(b *testing.B) {
	x, y := asked("a", 0, 500, streamed), asked("b", 5, 200)
	window := append(many(500, 10, 500, streamed), many(500, 600, 200)...)
	b.ReportAllocs()
	for b.Loop() {
		compare.Compare(x, y, window)
	}
}

// BenchmarkDiff is two calls alone.
func BenchmarkDiff(b *testing.B) {
	x, y := asked("a", 0, 500, streamed), asked("b", 5, 200)
	b.ReportAllocs()
	for b.Loop() {
		compare.Diff(x, y)
	}
}
