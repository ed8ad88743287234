//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ca

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// lockWait is how long another process may hold the directory: it does so for
// milliseconds, so that more means that it hangs.
const lockWait = 10 * time.Second

// othersMayRead returns what is wrong with the owner or mode of a key file and
// what mends it, with a verb for its path.
func othersMayRead(info fs.FileInfo) (problem, remedy string) {
	if p := foreign(info, false); p != "" {
		return p, "run as that user, or make %s your own with `chown` if nobody else ever had it"
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Sprintf("others may read it (mode %04o)", info.Mode().Perm()),
			"if nobody did, run `chmod 600 %s`; otherwise run `llmtap ca rotate`"
	}
	return "", ""
}

// othersMayWrite is the same for what others may read but not change.
func othersMayWrite(info fs.FileInfo) (problem, remedy string) {
	if p := foreign(info, true); p != "" {
		return p, "choose a directory of your own with --state-dir, or make %s yours with `chown`"
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Sprintf("others may replace files in it (mode %04o)", info.Mode().Perm()),
			"run `chmod 700 %s`; if others use this machine, run `llmtap ca rotate` too"
	}
	return "", ""
}

// foreign names the owner of a file that is not ours; root's may be as good.
func foreign(info fs.FileInfo, rootToo bool) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() || rootToo && st.Uid == 0 {
		return ""
	}
	return fmt.Sprintf("belongs to user %d, and this is user %d", st.Uid, os.Geteuid())
}

// lockFile takes the lock that ends with f, and waits for it a while.
func lockFile(f *os.File) error {
	deadline := time.Now().Add(lockWait)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOLCK):
			return nil // a file system without locks: atomic writes must do
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return err
		case time.Now().After(deadline):
			return errors.New("another llmtap holds it; end that one and try again")
		}
		<-time.After(5 * time.Millisecond)
	}
}
