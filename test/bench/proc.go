package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: 1/100 s on Linux.
const tick = 10 * time.Millisecond

// stat is the part of /proc/PID/stat that the benchmark reads.
type stat struct {
	parent int
	cpu    time.Duration // user and system
}

// parseStat reads a line of /proc/PID/stat; the command may hold blanks.
func parseStat(line []byte) (stat, error) {
	i := bytes.LastIndexByte(line, ')')
	f := strings.Fields(string(line[i+1:]))
	if i < 0 || len(f) < 13 {
		return stat{}, fmt.Errorf("bench: read stat: %q", line)
	}
	parent, err1 := strconv.Atoi(f[1])
	user, err2 := strconv.ParseInt(f[11], 10, 64)
	system, err3 := strconv.ParseInt(f[12], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return stat{}, fmt.Errorf("bench: read stat: %q", line)
	}
	return stat{parent, time.Duration(user+system) * tick}, nil
}

// tree lists pid and its descendants; the benchmark's programs fork at start
// only, so that it is asked for once per process.
func tree(pid int) []int {
	out := []int{pid}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	children := map[int][]int{}
	for _, p := range paths {
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(p)))
		line, rerr := os.ReadFile(p)
		if err != nil || rerr != nil {
			continue
		}
		if s, err := parseStat(line); err == nil {
			children[s.parent] = append(children[s.parent], id)
		}
	}
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i]]...)
	}
	return out
}

// cpuOf adds up the CPU time of live processes.
func cpuOf(pids []int) (sum time.Duration) {
	for _, pid := range pids {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		if s, err := parseStat(line); err == nil {
			sum += s.cpu
		}
	}
	return sum
}

// parseBusy reads the first line of /proc/stat: what all cores did but idle.
func parseBusy(b []byte) time.Duration {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	var busy int64
	for i, f := range strings.Fields(string(line)) {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || i == 4 || i == 5 || i > 8 { // idle, iowait, guests
			continue
		}
		busy += n
	}
	return time.Duration(busy) * tick
}

func busy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return parseBusy(b)
}

// rssOf adds up the resident memory of live processes in bytes.
func rssOf(pids []int) (sum int64) {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		sum += parseRSS(string(b))
	}
	return sum
}

func parseRSS(status string) int64 {
	_, rest, ok := strings.Cut(status, "VmRSS:")
	if !ok {
		return 0
	}
	f := strings.Fields(rest)
	kb, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
