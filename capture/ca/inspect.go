package ca

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Inspect describes the authority of a directory from its certificate alone,
// which it returns as PEM too: no key is read and nothing is written. An
// expired or damaged one is an *Error.
func Inspect(name string) (Info, []byte, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return Info{}, nil, fmt.Errorf("ca: inspect: %w", err)
	}
	now := time.Now()
	cert, s, err := (&dir{name: name}).loadCert(now)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, nil, fmt.Errorf("ca: inspect %s: no authority there yet", name)
	}
	if err != nil {
		return Info{}, nil, err
	}
	a := &Authority{pair: pair{cert: cert, scope: s}, now: func() time.Time { return now }, dir: name}
	return a.Info(), pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: cert.Raw}), nil
}
