package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// maxRetired bounds the forerunners that bundle.crt carries.
const maxRetired = 8

// replace makes a new authority and writes it. The order is that of trust:
// clients find old and new in the bundle before the first leaf of the new one
// is minted. was is what loading the old one said.
func (d *dir) replace(s scope, r roots, now time.Time, was error) (pair, error) {
	p, err := newPair(s, now)
	if err != nil {
		return pair{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return pair{}, fmt.Errorf("ca: encode key: %w", err)
	}
	// Who could read the old key can still use it: it must not stay trusted.
	if !errors.Is(was, ErrUnsafeKey) {
		if err = d.retire(now); err != nil {
			return pair{}, err
		}
	}
	if err = writeBundle(d, r, p.cert, now); err != nil {
		return pair{}, err
	}
	if err = d.write(keyFile, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: key}), 0o600); err != nil {
		return pair{}, err
	}
	if err = d.write(certFile, encodeCerts(p.cert.Raw), 0o644); err != nil {
		return pair{}, err
	}
	return p, nil
}

// retire puts the stored certificate, if it is one of ours, in front of the
// forerunners.
func (d *dir) retire(now time.Time) error {
	old, _, err := d.loadCert(now)
	if err != nil {
		return nil //nolint:nilerr // nothing that a client could still trust
	}
	list := [][]byte{old.Raw}
	for _, der := range d.retired(now) {
		if !bytes.Equal(der, old.Raw) {
			list = append(list, der)
		}
	}
	return d.write(retiredFile, encodeCerts(list[:min(len(list), maxRetired)]...), 0o644)
}

// retired returns the forerunners that are still valid, the newest first. What
// else the file holds is passed over: it must not keep the agent from starting.
func (d *dir) retired(now time.Time) [][]byte {
	b, info, err := d.read(retiredFile, maxFile)
	if err != nil {
		return nil
	}
	if problem, _ := othersMayWrite(info); problem != "" {
		return nil
	}
	var list [][]byte
	for _, der := range certBlocks(b) {
		c, err := x509.ParseCertificate(der)
		if err != nil || now.After(c.NotAfter) || len(list) == maxRetired {
			continue
		}
		if _, err = checkAuthority(c); err == nil {
			list = append(list, der)
		}
	}
	return list
}

// writeBundle brings bundle.crt up to date: the system's roots as they are
// now, the current authority, and its forerunners.
func writeBundle(d *dir, r roots, current *x509.Certificate, now time.Time) error {
	ours := [][]byte{current.Raw}
	for _, der := range d.retired(now) {
		if !bytes.Equal(der, current.Raw) {
			ours = append(ours, der)
		}
	}
	isOurs := func(der []byte) bool {
		return slices.ContainsFunc(ours, func(o []byte) bool { return bytes.Equal(o, der) })
	}
	want := encodeCerts(append(slices.DeleteFunc(slices.Clone(r.certs), isOurs), ours...)...)
	have, _, err := d.read(bundleFile, maxRoots+maxFile)
	if err == nil && bytes.Equal(have, want) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return &Error{Kind: ErrDamaged, Path: d.path(bundleFile), Problem: "cannot be read", Err: err,
			Remedy: "remove it and start again; it is made anew"}
	}
	return d.write(bundleFile, want, 0o644)
}

// certBlocks returns the certificates among the PEM blocks of b, unparsed.
func certBlocks(b []byte) [][]byte {
	var list [][]byte
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return list
		}
		if block.Type == certBlock {
			list = append(list, block.Bytes)
		}
	}
}

func encodeCerts(ders ...[]byte) []byte {
	var out bytes.Buffer
	for _, der := range ders {
		// A bytes.Buffer takes everything, and blocks without headers encode.
		out.Write(pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: der}))
	}
	return out.Bytes()
}
