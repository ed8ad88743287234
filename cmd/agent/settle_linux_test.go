package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestSettleGivesTextBack: fewer pages of files are resident afterwards, and
// the program still runs.
func TestSettleGivesTextBack(t *testing.T) {
	before := residentFile(t)
	settle()
	after := residentFile(t)
	if after >= before {
		t.Errorf("%d KiB of files were resident before, %d after", before, after)
	}
	if got := fmt.Sprint(residentFile(t) > 0); got != "true" {
		t.Error("what is used again must come back")
	}
}

func residentFile(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		t.Fatal("no RssFile in /proc/self/status")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
