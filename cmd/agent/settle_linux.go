package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBack gives back the pages of our own program text and constants, most of
// which serve the initialisation of libraries and handshakes. They are never
// written, so whatever is used again comes back from the file. What cannot be
// given back stays; nothing depends on it.
func giveBack() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var from, to uintptr
		line := lines.Text()
		if !strings.Contains(line, " r-xp ") && !strings.Contains(line, " r--p ") || !strings.HasSuffix(line, " "+exe) {
			continue
		}
		if _, err := fmt.Sscanf(line, "%x-%x ", &from, &to); err == nil && to > from {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}
