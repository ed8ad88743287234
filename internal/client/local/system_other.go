//go:build !linux

package local

import (
	"io/fs"
	"net/netip"
	"os"
)

// available: this system has no /proc, so that every search ends with
// ErrNotAvailable.
const available = false

const openFlags = os.O_RDONLY

func owner(fs.FileInfo) int { return -1 }

type diag struct{}

func openDiag() (*diag, error) { return nil, ErrNotAvailable }

func (*diag) close() {}

func (*diag) socket(_, _ netip.AddrPort) (socket, bool, error) {
	return socket{}, false, ErrNotAvailable
}
