package ca

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxRoots bounds a file of system roots; the usual one has 0.2 MB.
const maxRoots = 16 << 20

// rootFiles are the usual places of the system's roots, Linux first.
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo, Arch
	"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, older RHEL
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, CentOS
	"/etc/ssl/ca-bundle.pem",                            // SUSE
	"/etc/pki/tls/cacert.pem",                           // OpenELEC
	"/etc/ssl/cert.pem",                                 // Alpine, macOS, OpenBSD
	"/opt/homebrew/etc/ca-certificates/cert.pem",        // macOS, Homebrew
	"/usr/local/etc/openssl/cert.pem",                   // macOS, older Homebrew
	"/usr/local/etc/ssl/cert.pem",                       // FreeBSD
	"/usr/local/share/certs/ca-root-nss.crt",            // DragonFly, older FreeBSD
}

// roots are the system's roots and the file they came from.
type roots struct {
	path  string
	certs [][]byte
}

// readRoots reads the named file, which must be there, or looks for the
// system's; finding none is not an error. The bundle itself is no source:
// authorities that were retired would live on in it.
func readRoots(named, bundle string) (roots, error) {
	if named != "" {
		if sameFile(named, bundle) {
			return roots{}, fmt.Errorf("ca: read system roots: %s is the bundle itself", named)
		}
		r, err := readRootFile(named)
		if err != nil {
			return roots{}, fmt.Errorf("ca: read system roots: %w", err)
		}
		return r, nil
	}
	places := rootFiles
	if env := os.Getenv("SSL_CERT_FILE"); env != "" && !sameFile(env, bundle) {
		places = append([]string{env}, places...)
	}
	for _, path := range places {
		if r, err := readRootFile(path); err == nil {
			return r, nil
		}
	}
	return roots{}, nil
}

func readRootFile(path string) (roots, error) {
	f, err := os.Open(path)
	if err != nil {
		return roots{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRoots+1))
	if err != nil {
		return roots{}, err
	}
	if len(b) > maxRoots {
		return roots{}, fmt.Errorf("%s is larger than %d bytes", path, maxRoots)
	}
	certs := certBlocks(b)
	if len(certs) == 0 {
		return roots{}, errors.New(path + " holds no certificate in PEM")
	}
	return roots{path: path, certs: certs}, nil
}

// sameFile reports whether both names lead to one file, there or not.
func sameFile(a, b string) bool {
	ai, aerr := os.Stat(a)
	bi, berr := os.Stat(b)
	if aerr != nil || berr != nil {
		return a == b
	}
	return os.SameFile(ai, bi)
}
