package relay

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"slices"
)

// fingerprint tells the clients of one address apart: a hash of Tunnel.Peer and
// of what a program's TLS library says in every ClientHello. Two runs of one
// program have the same.
type fingerprint [sha256.Size]byte

// passing are the extensions that one program sends in some of its ClientHellos
// only: padding, and what a session to resume brings.
var passing = []uint16{
	21, // padding
	35, // session_ticket
	41, // pre_shared_key
	42, // early_data
}

// fingerprintOf ignores the order of the extensions and the reserved values of
// RFC 8701: some libraries (BoringSSL, rustls) draw them anew each time.
func fingerprintOf(peer string, hello *tls.ClientHelloInfo) fingerprint {
	extensions := slices.DeleteFunc(slices.Sorted(slices.Values(hello.Extensions)), func(e uint16) bool {
		return slices.Contains(passing, e)
	})
	b := appendText(nil, peer)
	b = appendCodes(b, hello.CipherSuites)
	b = appendCodes(b, extensions)
	b = appendCodes(b, hello.SupportedVersions)
	b = appendCodes(b, hello.SupportedCurves)
	b = appendCodes(b, hello.SignatureSchemes)
	for _, p := range hello.SupportedProtos {
		if len(p) != 2 || !reserved(binary.BigEndian.Uint16([]byte(p))) {
			b = appendText(b, p)
		}
	}
	return sha256.Sum256(b)
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// appendCodes ends the list with a value that cannot be in it.
func appendCodes[T ~uint16](b []byte, codes []T) []byte {
	for _, c := range codes {
		if !reserved(uint16(c)) {
			b = binary.BigEndian.AppendUint16(b, uint16(c))
		}
	}
	return append(b, 0x0a, 0x0a)
}

// reserved tells the values 0x0a0a, 0x1a1a … 0xfafa, which mean nothing.
func reserved(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }
