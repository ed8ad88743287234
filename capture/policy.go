package capture

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// HostPort names a host, and one port of it or (0) all.
type HostPort struct {
	Host string // normalised: lower case, ASCII, no brackets, no trailing dot
	Port int
}

// ParseHostPort reads HOST or HOST:PORT; IPv6 with a port needs brackets.
func ParseHostPort(s string) (HostPort, error) {
	host, port := s, ""
	if h, p, err := net.SplitHostPort(s); err == nil {
		host, port = h, p
	}
	if strings.ContainsAny(s, "/@ ") || host == "" {
		return HostPort{}, fmt.Errorf("capture: parse host %q: want HOST or HOST:PORT, without scheme or path", s)
	}
	hp := HostPort{Host: Normalise(host)}
	if port == "" {
		return hp, nil
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return HostPort{}, fmt.Errorf("capture: parse port of %q: want a number from 1 to 65535", s)
	}
	hp.Port = n
	return hp, nil
}

// Normalise brings a host name to the one form all rules compare: lower case,
// IDNA to ASCII, no trailing dot, no brackets.
func Normalise(host string) string {
	host = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ".")
	host = strings.ToLower(host)
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().WithZone("").String()
	}
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// Policy decides which destinations may be dialled and which are decrypted.
// It is a value: read-only once the proxy runs.
type Policy struct {
	// Intercept lists the hosts to look into; a name covers its subdomains.
	Intercept []HostPort
	// AllowPrivate lists private or loopback destinations that may be dialled.
	AllowPrivate []HostPort
	// Strict refuses what cannot be looked into instead of tunnelling it.
	Strict bool
	// TunnelOnly decrypts nothing.
	TunnelOnly bool
}

// Intercepts reports whether connections to host:port are to be looked into.
func (p Policy) Intercepts(host string, port int) bool {
	if p.TunnelOnly {
		return false
	}
	for _, h := range p.Intercept {
		if h.Port != 0 && h.Port != port {
			continue
		}
		if host == h.Host || strings.HasSuffix(host, "."+h.Host) {
			return true
		}
	}
	return false
}

// allows reports whether the operator opened host (or the address it was
// resolved to) on that port.
func (p Policy) allows(host string, ip netip.Addr, port int) bool {
	for _, a := range p.AllowPrivate {
		if a.Port != 0 && a.Port != port {
			continue
		}
		if a.Host == host || a.Host == ip.String() {
			return true
		}
	}
	return false
}

// reserved are the address ranges that are no public destination. Sources: the
// IANA special-purpose registries; cloud metadata addresses lie within.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/128"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("ff00::/8"),
}

// private reports whether ip is no public destination, looking through every
// form in which IPv6 embeds an IPv4 address.
func private(ip netip.Addr) bool {
	ip = ip.WithZone("")
	if v4, ok := embedded(ip); ok {
		return private(v4)
	}
	for _, r := range reserved {
		if r.Contains(ip) {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address inside a mapped, compatible, NAT64, 6to4 or
// Teredo IPv6 address.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	if ip.Is4() {
		return netip.Addr{}, false
	}
	if ip.Is4In6() {
		return ip.Unmap(), true
	}
	b := ip.As16()
	v4 := func(at int) (netip.Addr, bool) { return netip.AddrFrom4([4]byte(b[at : at+4])), true }
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return v4(12)
	case b[0] == 0x20 && b[1] == 0x02:
		return v4(2)
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0: // Teredo hides the client address inverted
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	case netip.MustParsePrefix("::/96").Contains(ip) && b[12] != 0:
		return v4(12)
	}
	return netip.Addr{}, false
}
