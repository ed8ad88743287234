package main

import (
	"strings"
	"unicode"

	"llmtap/internal/explain"
)

// clean makes text that a client or a service wrote safe to print.
func clean(s string) string { return explain.Clean(s) }

// cleanLines is clean for text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// wideRunes are the blocks whose characters take two columns on a terminal,
// after Unicode's East Asian Width; symbols that some terminals draw wide are
// taken for wide, so that a row never grows beyond its width.
var wideRunes = [][2]rune{
	{0x1100, 0x115f}, {0x231a, 0x2bff}, {0x2e80, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfe10, 0xfe1f}, {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x18cff}, {0x1b000, 0x1b2ff},
	{0x1f000, 0x1faff}, {0x20000, 0x3fffd},
}

func runeWidth(r rune) int {
	for _, w := range wideRunes {
		if r >= w[0] && r <= w[1] {
			return 2
		}
	}
	return 1
}

// fit cleans s and pads or cuts it to exactly width columns. Marks that join
// the character before them are left out: they have no width and no end.
func fit(s string, width int, right bool) string {
	var out []rune
	cols, cutAt, cutCols := 0, 0, 0 // where a cut would leave room for the dots
	for _, r := range clean(s) {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			continue
		}
		if cols += runeWidth(r); cols > width {
			out, cols = append(out[:cutAt], '…'), cutCols+1
			break
		}
		out = append(out, r)
		if cols < width {
			cutAt, cutCols = len(out), cols
		}
	}
	pad := strings.Repeat(" ", width-cols)
	if right {
		return pad + string(out)
	}
	return string(out) + pad
}

// wrap breaks cleaned text into lines of at most width columns; a word longer
// than that stays whole.
func wrap(s string, width int) []string {
	var lines []string
	line, cols := "", 0
	for word := range strings.FieldsSeq(clean(s)) {
		n := 0
		for _, r := range word {
			n += runeWidth(r)
		}
		if cols > 0 && cols+1+n > width {
			lines, line, cols = append(lines, line), "", 0
		}
		if cols > 0 {
			line, cols = line+" ", cols+1
		}
		line, cols = line+word, cols+n
	}
	return append(lines, line)
}

// known joins the words that are not empty.
func known(words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, "  ")
}

// labelled is "name value", or nothing for no value.
func labelled(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}
