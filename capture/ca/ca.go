// Package ca is the certificate authority of one installation and the leaves
// it mints for intercepted names.
//
// The authority is made at first start, lives in one directory and can vouch
// for nothing but the names and addresses it was made for: its certificate
// carries critical name constraints, so that a stolen key is worth those hosts
// only. Leaves live in memory, for at most a week, each with a key of its own.
//
//	<dir>/ca.key       0600  the private key, PKCS #8
//	<dir>/ca.crt       0644  the certificate
//	<dir>/bundle.crt   0644  the system's roots, the certificate and its forerunners
//	<dir>/retired.crt  0644  forerunners that have not expired
package ca

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"
)

// soon is how long before its expiry an authority starts to say so.
const soon = 30 * 24 * time.Hour

// Config says where the authority lives and what it may vouch for.
type Config struct {
	// Dir holds the files of the authority; it is created with mode 0700.
	Dir string
	// Names are the permitted DNS suffixes, lower case, without leading dot. A
	// suffix permits itself and every name below it.
	Names []string
	// IPs are the permitted IP literals; without any, no address is permitted.
	IPs []netip.Addr
	// Widen keeps what the stored authority permits beyond Names and IPs, so
	// that runs with different hosts do not replace each other's authority: a
	// new one is made only when something is missing. Rotate narrows again.
	Widen bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// SystemRoots is the PEM file that is joined into bundle.crt. Empty means
	// the file SSL_CERT_FILE names, unless that is bundle.crt itself, else the
	// first of the usual places.
	SystemRoots string
}

// clock returns the configured clock.
func (c Config) clock() func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

// Info describes an authority for people and for the programs that must trust
// it. It holds no secret.
type Info struct {
	Subject string
	// Fingerprint is the SHA-256 of the certificate as openssl prints it:
	// upper-case hex, a colon after each byte.
	Fingerprint string
	NotBefore   time.Time
	NotAfter    time.Time
	// ExpiresSoon: less than 30 days are left, or none.
	ExpiresSoon bool
	Names       []string
	IPs         []netip.Addr
	CertPath    string
	BundlePath  string
	// RootsPath is the file whose roots bundle.crt carries; empty when no
	// system roots were found, so that bundle.crt holds this authority alone.
	RootsPath string
}

// Stats counts what the leaf cache did since Open.
type Stats struct {
	Minted  uint64
	Evicted uint64
	Cached  int
}

// Authority mints leaves. It is safe for concurrent use and does not change:
// a rotation makes a new one.
type Authority struct {
	pair     pair
	now      func() time.Time
	dir      string
	roots    string
	reissued bool
	leaves   *cache
	flight   singleflight.Group
}

// Open loads the authority of cfg.Dir, and makes it when the directory holds
// none. When the configured names or addresses are not those of the stored
// authority, a new one with a new key takes its place, and bundle.crt carries
// both; Reissued tells. Files that are unsafe or do not fit together are an
// *Error and stay as they are.
func Open(cfg Config) (*Authority, error) { return open(cfg, false) }

// Rotate replaces the authority of cfg.Dir by a new one, whatever state the
// old one is in. bundle.crt carries the old certificate too until it expires,
// unless others could have read its key.
func Rotate(cfg Config) (*Authority, error) { return open(cfg, true) }

func open(cfg Config, rotate bool) (*Authority, error) {
	want, err := newScope(cfg.Names, cfg.IPs)
	if err != nil {
		return nil, err
	}
	d, err := openDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	a, err := d.authority(cfg, want, rotate)
	if err = errors.Join(err, d.close()); err != nil {
		return nil, err
	}
	return a, nil
}

// authority loads what the locked directory holds, or replaces it.
func (d *dir) authority(cfg Config, want scope, rotate bool) (*Authority, error) {
	now := cfg.clock()
	roots, err := readRoots(cfg.SystemRoots, d.path(bundleFile))
	if err != nil {
		return nil, err
	}
	p, err := d.load(now())
	had := !errors.Is(err, errAbsent)
	if err != nil && had && !rotate {
		return nil, err
	}
	if err == nil && cfg.Widen && !rotate {
		want = p.scope.union(want)
	}
	fresh := err != nil || rotate || !p.scope.equal(want)
	if fresh {
		p, err = d.replace(want, roots, now(), err)
	} else {
		err = writeBundle(d, roots, p.cert, now())
	}
	if err != nil {
		return nil, err
	}
	return &Authority{
		pair: p, now: now, dir: d.name, roots: roots.path, reissued: fresh && had, leaves: newCache(maxLeaves),
	}, nil
}

// Reissued reports that this authority took the place of another one, so that
// running clients must read bundle.crt again.
func (a *Authority) Reissued() bool { return a.reissued }

// Permits reports whether a leaf can be minted for name, a DNS name or an IP
// literal, with or without brackets. Names must be ASCII.
func (a *Authority) Permits(name string) bool {
	_, ok := a.pair.scope.permits(name)
	return ok
}

// Info describes the authority as of now; the slices are the caller's.
func (a *Authority) Info() Info {
	c := a.pair.cert
	return Info{
		Subject:     c.Subject.String(),
		Fingerprint: fingerprint(c.Raw),
		NotBefore:   c.NotBefore,
		NotAfter:    c.NotAfter,
		ExpiresSoon: c.NotAfter.Sub(a.now()) < soon,
		Names:       slices.Clone(a.pair.scope.names),
		IPs:         slices.Clone(a.pair.scope.ips),
		CertPath:    filepath.Join(a.dir, certFile),
		BundlePath:  filepath.Join(a.dir, bundleFile),
		RootsPath:   a.roots,
	}
}

// Stats returns the counters of the leaf cache.
func (a *Authority) Stats() Stats { return a.leaves.stats() }

// CertPEM returns the certificate, without key, as PEM; the caller owns it.
func (a *Authority) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: bytes.Clone(a.pair.cert.Raw)})
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}
