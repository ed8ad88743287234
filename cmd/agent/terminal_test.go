package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestTerminalOnly: only behind a terminal does the whole foreground group get
// Ctrl-C; taking the null device for one would keep signals from the command.
func TestTerminalOnly(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _, _ = null.Close(), file.Close(), r.Close(), w.Close() })
	for name, v := range map[string]any{"null device": null, "file": file, "pipe": r, "buffer": &bytes.Buffer{}, "nil": nil} {
		if isTerminal(v) {
			t.Errorf("%s passes for a terminal", name)
		}
	}
}
