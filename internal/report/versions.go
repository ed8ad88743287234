package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

// versions says what each version of each client did, oldest version first.
type versions struct {
	Rows []release
	More string
}

type release struct {
	Client, Version, SDK, Kind string
	First, Last                string
	Plain, Stream              score
	Note                       string // first bad version, last good version
	State                      string
}

// versionKey is what makes two calls calls of one client version.
type versionKey struct{ name, version, sdk, sdkVersion string }

type history struct {
	kind          call.ClientKind
	first, last   time.Time
	plain, stream tally
	other         int
}

func versionsOf(m *material) versions {
	seen := map[versionKey]*history{}
	for _, l := range m.calls {
		r := l.last()
		c := r.Client
		k := versionKey{c.Name, c.Version, c.SDK, c.SDKVersion}
		h := seen[k]
		if h == nil {
			h = &history{first: r.Identity.Start}
			seen[k] = h
		}
		h.add(r)
	}
	keys := slices.SortedFunc(maps.Keys(seen), func(a, b versionKey) int {
		return cmp.Or(cmp.Compare(a.name, b.name), byVersion(a.version, b.version), cmp.Compare(a.sdk, b.sdk), byVersion(a.sdkVersion, b.sdkVersion))
	})
	var out versions
	for _, k := range keys[:min(len(keys), maxVersions)] {
		out.Rows = append(out.Rows, releaseOf(k, seen[k], m.findings))
	}
	out.More = more(len(keys)-len(out.Rows), "version")
	return out
}

func (h *history) add(r *call.Record) {
	at := r.Identity.Start
	if at.Before(h.first) {
		h.first = at
	}
	if at.After(h.last) {
		h.last = at
	}
	if r.Client.Kind != call.ClientUnknown {
		h.kind = r.Client.Kind
	}
	switch modeOf(r) {
	case call.ModeStream:
		h.stream.add(r)
	case call.ModePlain:
		h.plain.add(r)
	default:
		h.other++
	}
}

func releaseOf(k versionKey, h *history, findings []call.Finding) release {
	out := release{
		Client: cut(cmp.Or(k.name, "not known"), maxName), Version: cut(k.version, maxName), Kind: h.kind.String(),
		First: moment(h.first), Last: moment(h.last), Plain: h.plain.score(), Stream: h.stream.score(),
	}
	if k.sdk != k.name {
		out.SDK = cut(joined(" ", k.sdk, k.sdkVersion), maxName)
	} else if k.version == "" {
		out.Version = cut(k.sdkVersion, maxName)
	}
	for _, f := range findings {
		if f.Verdict != "version_regression" || f.State == closed || f.Client.Name != k.name || k.version == "" {
			continue
		}
		switch k.version {
		case f.Client.Version:
			out.Note, out.State = "first bad version", "bad"
		case lastGood(f):
			out.Note, out.State = "last good version", "ok"
		}
	}
	return out
}

// lastGood is the version that a regression is measured against.
func lastGood(f call.Finding) string {
	for _, c := range f.Difference {
		if c.Path == "client.version" {
			return c.Working
		}
	}
	return ""
}

// byVersion compares part by part: numbers as numbers, the rest as text.
func byVersion(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, errX := strconv.Atoi(x)
		n, errY := strconv.Atoi(y)
		order := cmp.Compare(x, y)
		if errX == nil && errY == nil {
			order = cmp.Compare(m, n)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}
