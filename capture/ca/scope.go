package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// maxName is the longest DNS name in text form.
const maxName = 253

// scope is what an authority may vouch for: DNS suffixes and single addresses,
// both sorted and without duplicates.
type scope struct {
	names []string
	ips   []netip.Addr
}

// newScope checks and orders what was configured.
func newScope(names []string, ips []netip.Addr) (scope, error) {
	if len(names)+len(ips) == 0 {
		return scope{}, errors.New("ca: no names to permit: name a host to intercept, or run with --tunnel-only")
	}
	var s scope
	for _, n := range names {
		if !validName(n) || n != strings.ToLower(n) {
			return scope{}, fmt.Errorf("ca: permit %q: not a lower-case DNS name without leading dot", n)
		}
		s.names = append(s.names, n)
	}
	for _, ip := range ips {
		if !ip.IsValid() || ip.Zone() != "" {
			return scope{}, fmt.Errorf("ca: permit address %q: not an address without zone", ip)
		}
		s.ips = append(s.ips, ip.Unmap())
	}
	return s.ordered(), nil
}

func (s scope) ordered() scope {
	slices.Sort(s.names)
	slices.SortFunc(s.ips, netip.Addr.Compare)
	return scope{names: slices.Compact(s.names), ips: slices.Compact(s.ips)}
}

// union returns a scope that permits what either does.
func (s scope) union(o scope) scope {
	return scope{names: slices.Concat(s.names, o.names), ips: slices.Concat(s.ips, o.ips)}.ordered()
}

func (s scope) equal(o scope) bool {
	return slices.Equal(s.names, o.names) && slices.Equal(s.ips, o.ips)
}

// permits returns the normal form of name and whether it is inside the scope.
func (s scope) permits(name string) (string, bool) {
	host := strings.TrimSuffix(strings.ToLower(name), ".")
	bare := host
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		bare = host[1 : len(host)-1]
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		ip = ip.Unmap()
		return ip.String(), slices.Contains(s.ips, ip)
	}
	if !validName(host) {
		return host, false
	}
	return host, slices.ContainsFunc(s.names, func(suffix string) bool {
		return host == suffix || strings.HasSuffix(host, "."+suffix)
	})
}

// constrain writes the scope into the template of an authority. Constraints
// act per name type: a type without permitted entries must be excluded whole,
// else every name of that type would pass.
func (s scope) constrain(t *x509.Certificate) {
	t.PermittedDNSDomainsCritical = true
	t.PermittedDNSDomains = s.names
	if len(s.names) == 0 {
		t.ExcludedDNSDomains = []string{""}
	}
	for _, ip := range s.ips {
		t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{
			IP: ip.AsSlice(), Mask: net.CIDRMask(ip.BitLen(), ip.BitLen()),
		})
	}
	if len(s.ips) == 0 {
		t.ExcludedIPRanges = anyAddress()
	}
}

// scopeOf reads the scope back, and refuses constraints that leave a name type
// open or have another form than constrain gives them.
func scopeOf(c *x509.Certificate) (scope, error) {
	if !c.PermittedDNSDomainsCritical {
		return scope{}, errors.New("has no critical name constraints")
	}
	if len(c.PermittedDNSDomains) == 0 && !slices.Contains(c.ExcludedDNSDomains, "") {
		return scope{}, errors.New("may vouch for every DNS name")
	}
	if len(c.PermittedIPRanges) == 0 && !excludesAll(c.ExcludedIPRanges) {
		return scope{}, errors.New("may vouch for every address")
	}
	s := scope{names: slices.Clone(c.PermittedDNSDomains)}
	if slices.ContainsFunc(s.names, func(n string) bool { return !validName(n) }) {
		return scope{}, errors.New("permits something that is no DNS name")
	}
	for _, n := range c.PermittedIPRanges {
		ip, ok := netip.AddrFromSlice(n.IP)
		if ones, bits := n.Mask.Size(); !ok || ones != bits {
			return scope{}, fmt.Errorf("permits %s, which is no single address", n)
		}
		s.ips = append(s.ips, ip.Unmap())
	}
	return s.ordered(), nil
}

// anyAddress are the ranges that hold every IPv4 and IPv6 address.
func anyAddress() []*net.IPNet {
	return []*net.IPNet{
		{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
	}
}

func excludesAll(ranges []*net.IPNet) bool {
	return !slices.ContainsFunc(anyAddress(), func(all *net.IPNet) bool {
		return !slices.ContainsFunc(ranges, func(n *net.IPNet) bool { return n.String() == all.String() })
	})
}

// validName reports whether s is an ASCII DNS name of non-empty labels, no
// wildcard, no IP literal.
func validName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool { return !nameRune(r) }) {
			return false
		}
	}
	return true
}

func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
