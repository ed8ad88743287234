package relay

import (
	"crypto/tls"
	"slices"
	"testing"
)

// helloOf is a ClientHello as BoringSSL sends it, reserved values included.
func helloOf() *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName:        "a",
		CipherSuites:      []uint16{0x3a3a, 0x1301, 0x1302, 0xc02b},
		SupportedVersions: []uint16{0x2a2a, tls.VersionTLS13, tls.VersionTLS12},
		SupportedCurves:   []tls.CurveID{0x4a4a, tls.X25519, tls.CurveP256},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256},
		SupportedProtos:   []string{"h2", "http/1.1"},
		Extensions:        []uint16{0x5a5a, 0, 23, 65281, 10, 16, 43, 45, 51, 0x6a6a},
	}
}

func TestFingerprint(t *testing.T) {
	tests := []struct {
		name string
		edit func(*tls.ClientHelloInfo)
		same bool
	}{
		{"nothing", func(*tls.ClientHelloInfo) {}, true},
		{"other reserved values", func(h *tls.ClientHelloInfo) {
			h.CipherSuites[0], h.SupportedVersions[0], h.SupportedCurves[0] = 0xaaaa, 0x0a0a, 0xfafa
			h.Extensions[0], h.Extensions[9] = 0x1a1a, 0x2a2a
			h.SupportedProtos = append(h.SupportedProtos, "\x7a\x7a")
		}, true},
		{"extensions in another order", func(h *tls.ClientHelloInfo) { slices.Reverse(h.Extensions) }, true},
		{"padding", func(h *tls.ClientHelloInfo) { h.Extensions = append(h.Extensions, 21) }, true},
		{"a session", func(h *tls.ClientHelloInfo) { h.Extensions = append(h.Extensions, 35, 42, 41) }, true},
		{"another name", func(h *tls.ClientHelloInfo) { h.ServerName = "b" }, true}, // it is the tunnel's
		{"another extension", func(h *tls.ClientHelloInfo) { h.Extensions = append(h.Extensions, 5) }, false},
		{"an extension less", func(h *tls.ClientHelloInfo) { h.Extensions = slices.Delete(h.Extensions, 3, 4) }, false},
		{"another cipher", func(h *tls.ClientHelloInfo) { h.CipherSuites[3] = 0xc02c }, false},
		{"ciphers in another order", func(h *tls.ClientHelloInfo) { slices.Reverse(h.CipherSuites) }, false},
		{"another version", func(h *tls.ClientHelloInfo) { h.SupportedVersions = h.SupportedVersions[:2] }, false},
		{"another curve", func(h *tls.ClientHelloInfo) { h.SupportedCurves[2] = tls.CurveP384 }, false},
		{"another signature", func(h *tls.ClientHelloInfo) { h.SignatureSchemes = h.SignatureSchemes[:1] }, false},
		{"another protocol", func(h *tls.ClientHelloInfo) { h.SupportedProtos = h.SupportedProtos[1:] }, false},
		{"no protocol", func(h *tls.ClientHelloInfo) { h.SupportedProtos = nil }, false},
		{"one protocol of both", func(h *tls.ClientHelloInfo) { h.SupportedProtos = []string{"h2http/1.1"} }, false},
		{"a curve among the versions", func(h *tls.ClientHelloInfo) {
			h.SupportedVersions, h.SupportedCurves = append(h.SupportedVersions, uint16(tls.X25519)), h.SupportedCurves[2:]
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := helloOf()
			tt.edit(h)
			if same := fingerprintOf("p", h) == fingerprintOf("p", helloOf()); same != tt.same {
				t.Errorf("same %v, want %v", same, tt.same)
			}
		})
	}
	if fingerprintOf("p", helloOf()) == fingerprintOf("q", helloOf()) {
		t.Error("two peers have one fingerprint")
	}
	if fingerprintOf("", &tls.ClientHelloInfo{}) == (fingerprint{}) {
		t.Error("an empty hello is taken for every client")
	}
}

// Working out a fingerprint leaves what crypto/tls still needs as it was.
func TestFingerprintChangesNothing(t *testing.T) {
	h := helloOf()
	fingerprintOf("p", h)
	want := helloOf()
	if !slices.Equal(h.Extensions, want.Extensions) || !slices.Equal(h.CipherSuites, want.CipherSuites) || !slices.Equal(h.SupportedProtos, want.SupportedProtos) {
		t.Errorf("the hello is %+v now", h)
	}
}
