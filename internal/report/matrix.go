package report

import (
	"cmp"
	"maps"
	"slices"

	"llmtap/internal/call"
)

// matrix is target × (client kind, stream or plain): where calls work and
// where they do not.
type matrix struct {
	Groups []group
	Rows   []row
	More   string
}

// group is one client kind with its columns.
type group struct {
	Kind  string // a word; of the colours too
	Title string
	Sides []column
}

type column struct{ Mode, Title string }

type row struct {
	Target, Place, API string
	Marks              []mark
	Cells              []cell
}

// mark names a verdict and leads to it.
type mark struct{ ID, Name string }

// cell is what one side did at one target.
type cell struct {
	score
	Kind, Mode, Side string
}

// grid is the matrix before it is worded.
type grid struct {
	sides   []side
	keys    []targetKey
	newest  map[targetKey]*call.Record
	tallies map[targetKey]map[side]*tally
	whole   map[targetKey]*tally
}

// gridOf counts logical calls. The four columns of the question are always
// there; others only if there is something in them.
func gridOf(m *material) grid {
	g := grid{newest: map[targetKey]*call.Record{}, tallies: map[targetKey]map[side]*tally{}, whole: map[targetKey]*tally{}}
	seen := map[side]bool{}
	for _, k := range []call.ClientKind{call.ClientDirect, call.ClientFramework} {
		seen[side{k, call.ModePlain}], seen[side{k, call.ModeStream}] = true, true
	}
	for _, l := range m.calls {
		r := l.last()
		k, s := keyOf(r.Target), sideOf(r)
		if g.whole[k] == nil {
			g.newest[k], g.whole[k], g.tallies[k] = r, &tally{}, map[side]*tally{}
		}
		if g.tallies[k][s] == nil {
			g.tallies[k][s] = &tally{}
		}
		seen[s] = true
		g.whole[k].add(r)
		g.tallies[k][s].add(r)
	}
	g.sides = slices.SortedFunc(maps.Keys(seen), func(a, b side) int {
		return cmp.Or(kindRank(a.Kind)-kindRank(b.Kind), modeRank(a.Mode)-modeRank(b.Mode))
	})
	g.keys = slices.SortedFunc(maps.Keys(g.whole), func(a, b targetKey) int {
		x, y := g.whole[a], g.whole[b]
		return cmp.Or(y.failed-x.failed, y.all()-x.all(), a.compare(b))
	})
	return g
}

// kindRank puts what works as a rule before what is doubted.
func kindRank(k call.ClientKind) int {
	return slices.Index([]call.ClientKind{call.ClientDirect, call.ClientFramework, call.ClientUnknown}, k)
}

func modeRank(m call.Mode) int {
	return slices.Index([]call.Mode{call.ModePlain, call.ModeStream, call.ModeUnknown}, m)
}

func matrixOf(m *material) matrix {
	g := gridOf(m)
	var out matrix
	for _, s := range g.sides {
		kind := s.Kind.String()
		if n := len(out.Groups); n == 0 || out.Groups[n-1].Kind != kind {
			out.Groups = append(out.Groups, group{Kind: kind, Title: kindWord(s.Kind)})
		}
		last := &out.Groups[len(out.Groups)-1]
		last.Sides = append(last.Sides, column{s.Mode.String(), modeWord(s.Mode)})
	}
	for _, k := range g.keys[:min(len(g.keys), maxTargets)] {
		r := row{Target: k.title(), Place: k.place(), API: cut(g.newest[k].Target.API, maxName), Marks: marksAt(m.findings, k)}
		for _, s := range g.sides {
			t := cmp.Or(g.tallies[k][s], &tally{})
			r.Cells = append(r.Cells, cell{score: t.score(), Kind: s.Kind.String(), Mode: s.Mode.String(), Side: s.Name()})
		}
		out.Rows = append(out.Rows, r)
	}
	out.More = more(len(g.keys)-len(out.Rows), "target")
	return out
}

// marksAt names the open verdicts about a target; one about a whole host stands
// at every target of the host.
func marksAt(findings []call.Finding, k targetKey) []mark {
	var out []mark
	for i, f := range findings {
		about := keyOf(f.Target)
		if f.State != closed && about.host == k.host && about.port == k.port && (about.name == k.name || about.name == "") {
			out = append(out, markOf(i))
		}
	}
	return out
}

func markOf(i int) mark { return mark{ID: "v" + number(i+1), Name: "V" + number(i+1)} }
