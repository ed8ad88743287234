package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	keyBlock  = "PRIVATE KEY"
	certBlock = "CERTIFICATE"
)

// load reads the stored authority. The error is errAbsent when there is
// neither key nor certificate, else an *Error.
func (d *dir) load(now time.Time) (pair, error) {
	key, keyErr := d.loadKey()
	cert, s, certErr := d.loadCert(now)
	noKey, noCert := errors.Is(keyErr, fs.ErrNotExist), errors.Is(certErr, fs.ErrNotExist)
	switch {
	case noKey && noCert:
		return pair{}, errAbsent
	case keyErr != nil && !noKey:
		return pair{}, keyErr
	case noKey:
		return pair{}, damaged(d.path(keyFile), "is missing beside "+certFile, nil)
	case noCert:
		return pair{}, damaged(d.path(certFile), "is missing beside "+keyFile, nil)
	case certErr != nil:
		return pair{}, certErr
	case !key.PublicKey.Equal(cert.PublicKey):
		return pair{}, damaged(d.path(certFile), "does not belong to "+keyFile, nil)
	}
	return pair{key: key, cert: cert, scope: s}, nil
}

// loadKey reads the key after it made sure that it is ours alone.
func (d *dir) loadKey() (*ecdsa.PrivateKey, error) {
	path := d.path(keyFile)
	b, info, err := d.read(keyFile, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, &Error{Kind: ErrUnsafeKey, Path: path, Problem: "cannot be read", Err: err,
			Remedy: fmt.Sprintf("run as the user who owns it, or give it to this one with `chown` and `chmod 600 %s`", path)}
	}
	if info != nil {
		if problem, remedy := othersMayRead(info); problem != "" {
			return nil, &Error{Kind: ErrUnsafeKey, Path: path, Problem: problem, Remedy: fmt.Sprintf(remedy, path)}
		}
	}
	if err != nil {
		return nil, damaged(path, "cannot be read", err)
	}
	der, err := onlyBlock(b, keyBlock)
	if err != nil {
		return nil, damaged(path, "holds no key", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The cause may quote what it could not read.
		return nil, damaged(path, "holds no key that can be read", nil)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, damaged(path, "is no ECDSA P-256 key, so it is not one of ours", nil)
	}
	return key, nil
}

// loadCert reads the certificate and what it may vouch for.
func (d *dir) loadCert(now time.Time) (*x509.Certificate, scope, error) {
	path := d.path(certFile)
	b, _, err := d.read(certFile, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, scope{}, err
	}
	if err != nil {
		return nil, scope{}, damaged(path, "cannot be read", err)
	}
	der, err := onlyBlock(b, certBlock)
	if err != nil {
		return nil, scope{}, damaged(path, "holds no certificate", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, scope{}, damaged(path, "holds no certificate that can be read", err)
	}
	s, err := checkAuthority(c)
	if err != nil {
		return nil, scope{}, damaged(path, "is not an authority of ours", err)
	}
	if now.After(c.NotAfter) {
		return nil, scope{}, &Error{Kind: ErrExpired, Path: path, Remedy: rotateRemedy,
			Problem: "expired on " + c.NotAfter.Format(time.DateOnly)}
	}
	if now.Before(c.NotBefore) {
		return nil, scope{}, &Error{Kind: ErrDamaged, Path: path,
			Problem: "is not valid before " + c.NotBefore.Format(time.DateTime),
			Remedy:  "set the clock of this machine, or if it is right, " + rotateRemedy}
	}
	return c, s, nil
}

// checkAuthority returns the scope of c, or why c must not be used as an
// authority, whatever its dates say.
func checkAuthority(c *x509.Certificate) (scope, error) {
	switch {
	case !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage&x509.KeyUsageCertSign == 0:
		return scope{}, errors.New("may not sign certificates")
	case !c.MaxPathLenZero:
		return scope{}, errors.New("may make further authorities")
	}
	if key, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return scope{}, errors.New("its key is not ECDSA P-256")
	}
	if err := c.CheckSignatureFrom(c); err != nil {
		return scope{}, fmt.Errorf("its signature is not its own: %w", err)
	}
	return scopeOf(c)
}

// onlyBlock returns the bytes of the one PEM block that b is.
func onlyBlock(b []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(b)
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return nil, errors.New("the file is empty")
	case block == nil:
		return nil, errors.New("no PEM block")
	case block.Type != kind:
		return nil, fmt.Errorf("a PEM block %.32q, want %q", block.Type, kind)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("more than one PEM block")
	}
	return block.Bytes, nil
}
