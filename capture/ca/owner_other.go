//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package ca

import (
	"io/fs"
	"os"
)

// Elsewhere modes and owners say nothing: the directory's access list protects
// the key, and a second process must not open it at the same time.

func othersMayRead(fs.FileInfo) (problem, remedy string) { return "", "" }

func othersMayWrite(fs.FileInfo) (problem, remedy string) { return "", "" }

func lockFile(*os.File) error { return nil }
