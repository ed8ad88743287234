package faultllm

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// letters is a short answer: f(ilter), r(ole), a b c (content), F(inish),
// U(sage), D(one).
func letters() pieceSeq {
	return slices.Values([]piece{
		{kind: kindFilter, data: "f"},
		{kind: kindRole, data: "r"},
		{kind: kindContent, data: "a"},
		{kind: kindContent, data: "b"},
		{kind: kindContent, data: "c"},
		{kind: kindFinish, data: "F"},
		{kind: kindUsage, data: "U"},
		{kind: kindDone, data: "D"},
	})
}

// spell joins the payloads, or the raw blocks in brackets.
func spell(seq pieceSeq) string {
	var b strings.Builder
	for p := range seq {
		if p.raw != "" {
			b.WriteString("[" + p.raw + "]")
			continue
		}
		b.WriteString(p.data)
	}
	return b.String()
}

func TestEdits(t *testing.T) {
	x := piece{data: "x"}
	y := piece{raw: "y"}
	for _, tc := range []struct {
		name  string
		edits []edit
		want  string
	}{
		{"none", nil, "frabcFUD"},
		{"first keeps so many content pieces", []edit{first(2)}, "frab"},
		{"first 0 keeps what comes before", []edit{first(0)}, "fr"},
		{"first of more than there are ends before the finish", []edit{first(9)}, "frabc"},
		{"without one kind", []edit{without(kindContent)}, "frFUD"},
		{"without several", []edit{without(kindFinish, kindUsage, kindDone)}, "frabc"},
		{"without none", []edit{without()}, "frabcFUD"},
		{"nothing", []edit{nothing}, ""},
		{"add", []edit{add(x, y)}, "frabcFUDx[y]"},
		{"add after first", []edit{first(1), add(x)}, "frax"},
		{"add after nothing", []edit{nothing, add(x)}, "x"},
		{"ahead of the second content", []edit{ahead(kindContent, 1, x, y)}, "frax[y]bcFUD"},
		{"ahead of the finish", []edit{ahead(kindFinish, 0, x)}, "frabcxFUD"},
		{"ahead of one that is not there", []edit{ahead(kindContent, 3, x)}, "frabcFUD"},
		{"reword one kind", []edit{reword(kindFinish, "F", "stop")}, "frabcstopUD"},
		{"reword leaves others", []edit{reword(kindFinish, "a", "!")}, "frabcFUD"},
		{"framed", []edit{framed(func(d string) string { return d + d })}, "[ff][rr][aa][bb][cc][FF][UU][DD]"},
		{"framed leaves raw blocks", []edit{add(y), framed(strings.ToUpper)}, "[F][R][A][B][C][F][U][D][y]"},
		{"bom", []edit{bom, first(0)}, "[\ufeffdata: f\n\n]r"},
		{"bom of nothing", []edit{nothing, bom}, ""},
		{"each counts by kind", []edit{each(func(i int, p piece) []piece {
			p.data += string(rune('0' + i))
			return []piece{p}
		})}, "f0r0a0b1c2F0U0D0"},
		{"each may double", []edit{first(1), each(func(_ int, p piece) []piece { return []piece{p, p} })}, "ffrraa"},
		{"in order", []edit{without(kindFilter), first(1), add(x), ahead(kindRole, 0, y)}, "[y]rax"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := spell(edited(letters(), tc.edits...)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestEditsStop breaks the loop after each piece: a sequence that went on would
// panic.
func TestEditsStop(t *testing.T) {
	all := map[string]edit{
		"first":   first(2),
		"without": without(kindRole),
		"add":     add(piece{data: "x"}, piece{data: "y"}),
		"ahead":   ahead(kindContent, 0, piece{data: "x"}),
		"bom":     bom,
		"lumps":   lumps(3, time.Second),
		"late":    late(kindContent, 1, time.Second),
		"split":   each(splitRune),
	}
	for name, e := range all {
		t.Run(name, func(t *testing.T) {
			whole := len(slices.Collect(e(letters())))
			for n := 1; n <= whole; n++ {
				seen := 0
				for range e(letters()) {
					seen++
					if seen == n {
						break
					}
				}
				if seen != n {
					t.Errorf("%d pieces before the break, want %d", seen, n)
				}
			}
		})
	}
}

func TestHealthyPiecesStop(t *testing.T) {
	a := answer{ask: ask{azure: true, usage: true, n: 2}, pace: pacing{chunks: 2}}
	whole := len(slices.Collect(a.pieces()))
	if want := 1 + 2 + 4 + 2 + 1 + 1; whole != want {
		t.Fatalf("%d pieces, want %d", whole, want)
	}
	for n := 1; n <= whole; n++ {
		seen := 0
		for range a.pieces() {
			seen++
			if seen == n {
				break
			}
		}
		if seen != n {
			t.Errorf("%d pieces before the break, want %d", seen, n)
		}
	}
}

func TestLateAndLumps(t *testing.T) {
	const d = time.Second
	for _, tc := range []struct {
		name  string
		edit  edit
		waits string // one letter a piece: d, - for none, . for the pace
		holds string // h for held
	}{
		{"late", late(kindContent, 1, d), "...d....", "........"},
		{"late done", late(kindDone, 0, d), ".......d", "........"},
		{"slowly", slowly(d), "..ddd...", "........"},
		{"lumps of three", lumps(3, d), "d--d--d-", "hh.hh.hh"},
		{"lumps of all", lumps(100, d), "d-------", "hhhhhhhh"},
		{"lumps without silence", lumps(2, 0), "--------", "h.h.h.h."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var waits, holds strings.Builder
			for p := range tc.edit(letters()) {
				switch {
				case p.wait == d:
					waits.WriteByte('d')
				case p.wait < 0:
					waits.WriteByte('-')
				default:
					waits.WriteByte('.')
				}
				if p.hold {
					holds.WriteByte('h')
				} else {
					holds.WriteByte('.')
				}
			}
			if waits.String() != tc.waits || holds.String() != tc.holds {
				t.Errorf("waits %s, holds %s, want %s, %s", waits.String(), holds.String(), tc.waits, tc.holds)
			}
		})
	}
}

func TestSplitRuneCutsOnce(t *testing.T) {
	for _, tc := range []struct {
		name, data string
		want       []string
	}{
		{"ascii", "owl", []string{"data: owl\n\n"}},
		{"two bytes", "ö!", []string{"data: \xc3", "\xb6!\n\n"}},
		{"three bytes", "フクロウ", []string{"data: \xe3\x83", "\x95クロウ\n\n"}},
		{"four bytes", "a🦉", []string{"data: a\xf0\x9f\xa6", "\x89\n\n"}},
		{"empty", "", []string{"data: \n\n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, p := range splitRune(0, piece{data: tc.data}) {
				got = append(got, p.block())
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTwoLines(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1,"b":2,"c":3}`: "data: {\"a\":1,\ndata: \"b\":2,\"c\":3}\n\n",
		"[DONE]":              "data: [DONE]\n\n",
	} {
		if got := twoLines(in); got != want {
			t.Errorf("twoLines(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestWordHasItsSize(t *testing.T) {
	for i := range words {
		for _, size := range []int{1, 2, 3, 5, 6, 7, 10, 64, 1000} {
			got := word(i, size)
			if len(got) != size {
				t.Errorf("word(%d, %d) has %d bytes", i, size, len(got))
			}
			if half := len(got) / 2; size > 2 && len(got)%2 == 0 && got[:half] == got[half:] {
				t.Errorf("word(%d, %d) = %q: both halves are the same", i, size, got)
			}
		}
		if got, want := word(i, 0), words[i]+" "; got != want {
			t.Errorf("word(%d, 0) = %q, want %q", i, got, want)
		}
	}
	if got, want := word(len(words), 0), word(0, 0); got != want {
		t.Errorf("after the last word comes %q, want %q", got, want)
	}
}
