package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"llmtap/internal/check"
)

// enoughFiles lets a few hundred streams run: each needs two sockets.
const enoughFiles = 4096

// fileLimitLine judges the open-file limit of a process, as the kernel tells it.
func fileLimitLine(pid int) check.Line {
	const name = "file limit"
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return unknownLine(name, "", "the limits of pid %d cannot be read", pid)
	}
	return fileLimit(name, string(b))
}

func fileLimit(name, limits string) check.Line {
	for line := range strings.SplitSeq(limits, "\n") {
		rest, found := strings.CutPrefix(line, "Max open files")
		if !found {
			continue
		}
		soft, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if soft == "unlimited" {
			return okLine(name, "unlimited open files")
		}
		n, err := strconv.Atoi(soft)
		switch {
		case err != nil:
			return unknownLine(name, "", "the limit of open files is not told")
		case n < enoughFiles:
			return notOKLine(name, "Raise it: ulimit -n 65536, or LimitNOFILE=65536 in the unit.", "%d open files: each stream needs two, so about %d at once", n, n*2/5)
		}
		return okLine(name, "%d open files", n)
	}
	return unknownLine(name, "", "the limit of open files is not told")
}
