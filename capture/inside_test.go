package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"llmtap/capture/observe"
	"llmtap/capture/relay"
	"llmtap/internal/call"
)

func TestPrivate(t *testing.T) {
	for ip, want := range map[string]bool{
		"8.8.8.8": false, "1.1.1.1": false, "172.15.255.255": false, "172.32.0.0": false, "100.63.255.255": false, "100.128.0.0": false,
		"192.0.1.0": false, "198.17.255.255": false, "198.20.0.0": false, "223.255.255.255": false, "2606:4700::1111": false,
		"2001:4860:4860::8888": false, "::ffff:8.8.8.8": false, "64:ff9b::808:808": false, "2002:808:808::": false,
		"10.0.0.0": true, "172.16.0.0": true, "100.64.0.0": true, "127.255.255.255": true, "169.254.0.0": true, "198.18.0.0": true,
		"fc00::": true, "fdff::1": true, "fe80::1%eth0": true, "febf::1": true, "::ffff:10.0.0.1": true, "64:ff9b::7f00:1": true,
		"2002:a00:1::": true, "2001:0:1:2:3:4:f5ff:fffe": true, "::10.0.0.1": true, "::": true, "::1": true, "ff0e::1": true,
	} {
		if got := private(netip.MustParseAddr(ip)); got != want {
			t.Errorf("private(%s) = %v", ip, got)
		}
	}
}

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"API.OpenAI.com": "api.openai.com", "api.openai.com.": "api.openai.com", "[::1]": "::1", "[::FFFF:127.0.0.1]": "127.0.0.1",
		"fe80::1%eth0": "fe80::1", "bücher.example": "xn--bcher-kva.example", "BÜCHER.example": "xn--bcher-kva.example",
		"": "", "a_b.example": "a_b.example", "2001:DB8::0001": "2001:db8::1",
	} {
		if got := Normalise(in); got != want {
			t.Errorf("Normalise(%q) = %q, want %q", in, got, want)
		}
		if again := Normalise(Normalise(in)); again != Normalise(in) {
			t.Errorf("Normalise is not idempotent on %q: %q", in, again)
		}
	}
}

func TestParseHostPort(t *testing.T) {
	for in, want := range map[string]HostPort{
		"api.openai.com": {"api.openai.com", 0}, "API.openai.com.:443": {"api.openai.com", 443}, "[::1]:8443": {"::1", 8443},
		"::1": {"::1", 0}, "10.0.0.1:1": {"10.0.0.1", 1},
	} {
		if got, err := ParseHostPort(in); err != nil || got != want {
			t.Errorf("ParseHostPort(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", ":443", "https://x", "a/b", "u@h", "h:0", "h:65536", "h:x", "h:-1", "a b"} {
		if got, err := ParseHostPort(in); err == nil || !strings.HasPrefix(err.Error(), "capture: parse ") {
			t.Errorf("ParseHostPort(%q) = %v, %v", in, got, err)
		}
	}
}

func TestParseRoute(t *testing.T) {
	r, err := ParseRoute("openai=https://api.openai.com/v1")
	if err != nil || r.Name != "openai" || r.Upstream.String() != "https://api.openai.com/v1" {
		t.Errorf("route %+v, %v", r, err)
	}
	for _, in := range []string{"", "openai", "=https://x", "a/b=https://x", "a=ftp://x", "a=x", "a=https://", "a=http://%zz"} {
		if _, err := ParseRoute(in); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("ParseRoute(%q): %v", in, err)
		}
	}
	if _, err := ParseRoute("a=ftp://user:secret@x"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows a password: %v", err)
	}
}

func TestIntercepts(t *testing.T) {
	p := Policy{Intercept: []HostPort{{"openai.com", 0}, {"a.example", 8443}}}
	for _, c := range []struct {
		host string
		port int
		want bool
	}{
		{"openai.com", 443, true}, {"api.openai.com", 1, true}, {"notopenai.com", 443, false}, {"openai.com.evil.example", 443, false},
		{"a.example", 8443, true}, {"a.example", 443, false}, {"x.a.example", 8443, true}, {"", 443, false},
	} {
		if got := p.Intercepts(c.host, c.port); got != c.want {
			t.Errorf("Intercepts(%s, %d) = %v", c.host, c.port, got)
		}
		p.TunnelOnly = true
		if p.Intercepts(c.host, c.port) {
			t.Errorf("tunnel-only intercepts %s", c.host)
		}
		p.TunnelOnly = false
	}
}

func TestKnownHostsAreNormal(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range KnownHosts() {
		if h.Host != Normalise(h.Host) || h.Port != 0 || seen[h.Host] || strings.HasPrefix(h.Host, ".") {
			t.Errorf("host %+v is odd or there twice", h)
		}
		seen[h.Host] = true
	}
}

func TestTraceparent(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, c := range []struct {
		in            string
		good, sampled bool
	}{
		{"00-" + trace + "-" + span + "-01", true, true},
		{"00-" + trace + "-" + span + "-00", true, false},
		{"00-" + trace + "-" + span + "-03", true, true},
		{"01-" + trace + "-" + span + "-01-later", true, true},
		{"00-" + trace + "-" + span + "-01-later", false, false},
		{"ff-" + trace + "-" + span + "-01", false, false},
		{"00-" + strings.ToUpper(trace) + "-" + span + "-01", false, false},
		{"00-" + strings.Repeat("0", 32) + "-" + span + "-01", false, false},
		{"00-" + trace + "-" + strings.Repeat("0", 16) + "-01", false, false},
		{"00-" + trace + "-" + span + "-0g", false, false},
		{"00-" + trace + "_" + span + "-01", false, false},
		{"", false, false}, {"00", false, false},
	} {
		got := traceparent(c.in)
		if got.Valid() != c.good || got.Sampled != c.sampled || c.good && (got.Trace != trace || got.Span != span) {
			t.Errorf("traceparent(%q) = %+v", c.in, got)
		}
	}
}

func fields(pairs ...string) (out []observe.Field) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, observe.Field{Name: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return out
}

func TestAuthDigest(t *testing.T) {
	h := call.NewHasher([]byte("k"))
	key := h.Secret("sk-1")
	for _, c := range []struct {
		name   string
		fields []observe.Field
		query  string
		want   call.Auth
	}{
		{"bearer", fields("Authorization", "Bearer sk-1"), "", call.Auth{Scheme: "bearer", Digest: key}},
		{"bearer, odd case", fields("AUTHORIZATION", "bEaReR  sk-1 "), "", call.Auth{Scheme: "bearer", Digest: key}},
		{"azure sends both", fields("Authorization", "Bearer sk-2", "api-key", "sk-1"), "", call.Auth{Scheme: "api_key", Digest: key}},
		{"anthropic", fields("X-Api-Key", "sk-1"), "", call.Auth{Scheme: "api_key", Digest: key}},
		{"google", fields("x-goog-api-key", "sk-1"), "", call.Auth{Scheme: "api_key", Digest: key}},
		{"query", nil, "alt=sse&key=sk-1", call.Auth{Scheme: "api_key", Digest: key}},
		{"sigv4", fields("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/bedrock/aws4_request, Signature=f"), "", call.Auth{Scheme: "sigv4", Digest: h.Secret("AKIA1")}},
		{"other", fields("Authorization", "Basic abc"), "", call.Auth{Scheme: "other", Digest: h.Secret("abc")}},
		{"none", fields("X", "y"), "a=b", call.Auth{Scheme: "none"}},
	} {
		if got := authOf(h, c.fields, c.query); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestHeadersKeepNoCredential: not in the copy that fingerprints read, not in
// the allow-list of the record.
func TestHeadersKeepNoCredential(t *testing.T) {
	var pairs []string
	secret := "canary-0123456789"
	names := []string{"Authorization", "Proxy-Authorization", "api-key", "X-API-Key", "x-goog-api-key", "Cookie", "Set-Cookie", "X-Amz-Security-Token", "Ocp-Apim-Subscription-Key", "X-My-Secret", "X-Auth-Token", "X-Password", "Sec-WebSocket-Protocol"}
	for _, n := range names {
		pairs = append(pairs, n, secret)
	}
	pairs = append(pairs, "User-Agent", "curl/8", "X-Request-Id", "r1", "content-type", "a/b")
	h := copied(fields(pairs...))
	if s := fmt.Sprint(h.list, h.allowed()); strings.Contains(s, secret) {
		t.Errorf("a credential was kept: %s", s)
	}
	for _, n := range names {
		if !h.has(n) || h.get(n) != "" {
			t.Errorf("%s: has %v, value %q", n, h.has(n), h.get(n))
		}
	}
	counts := copied(fields("X-RateLimit-Remaining-Tokens", "90", "X-Amzn-Bedrock-Input-Token-Count", "9"))
	if counts.get("x-ratelimit-remaining-tokens") != "90" || len(counts.allowed()) != 2 {
		t.Errorf("counts of tokens are credentials: %v", counts.list)
	}
	if h.get("USER-AGENT") != "curl/8" || h.get("absent") != "" || h.has("absent") {
		t.Errorf("headers %v", h.list)
	}
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprint("h", i), "v")
	}
	if n := len(copied(fields(many...)).list); n != maxHeaders {
		t.Errorf("%d lines kept, want %d", n, maxHeaders)
	}
}

// TestCappedText compares every split of a text with the obvious way.
func TestCappedText(t *testing.T) {
	const text = "abcdefghijklmnopqrstuvwxyz"
	for _, c := range []struct {
		n    int
		want string
		cut  bool
	}{
		{0, "", false}, {16, "abcdefghijklmnop", false},
		{17, "abcdefghijkl\n…[1 bytes left out]…\nnopq", true},
		{26, "abcdefghijkl\n…[10 bytes left out]…\nwxyz", true},
	} {
		for size := 1; size <= 26; size++ {
			k := &cappedText{max: 16}
			for s := text[:c.n]; s != ""; {
				n := min(size, len(s))
				k.add([]byte(s[:n]))
				s = s[n:]
			}
			if got, cut := k.text(); got != c.want || cut != c.cut {
				t.Errorf("%d bytes in pieces of %d: %q %v, want %q", c.n, size, got, cut, c.want)
			}
			if len(k.head)+len(k.tail) > 16 {
				t.Errorf("kept %d bytes", len(k.head)+len(k.tail))
			}
		}
	}
	k := &cappedText{max: 8}
	k.add([]byte("äöüäöüäöü\xff"))
	if got, _ := k.text(); strings.ToValidUTF8(got, "") != got {
		t.Errorf("not UTF-8: %q", got)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"/v1": "/v1", "http://h/v1?a=b": "/v1?a=b", "https://h": "/", "/x?u=http://y": "/x?u=http://y", "*": "*", "": "",
	} {
		if got := originForm(in); got != want {
			t.Errorf("originForm(%q) = %q, want %q", in, got, want)
		}
	}
	for _, c := range []struct {
		host, scheme, want string
		port               int
	}{
		{"h", "https", "h", 443}, {"h", "http", "h", 80}, {"h", "https", "h:80", 80}, {"::1", "https", "[::1]", 443}, {"::1", "http", "[::1]:8080", 8080}, {"h", "http", "h", 0},
	} {
		if got := authority(c.host, c.port, c.scheme); got != c.want {
			t.Errorf("authority(%s, %d, %s) = %q, want %q", c.host, c.port, c.scheme, got, c.want)
		}
	}
	for in, want := range map[string]string{"abc": "abc", "abcdef": "abcd", "abcä": "abc", "äää": "ää"} {
		if got := clip(in, 4); got != want {
			t.Errorf("clip(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"": "", "Text/Event-Stream; charset=utf-8": "text/event-stream", "application/json;": "application/json", "Odd Thing; =": "odd thing"} {
		if got := mediaType(in); got != want {
			t.Errorf("mediaType(%q) = %q, want %q", in, got, want)
		}
	}
	if got := reasonPhrase("a\r\nX-Injected: é\x00" + strings.Repeat("o", 300)); strings.ContainsAny(got, "\r\n\x00é") || len(got) > 120 {
		t.Errorf("reason phrase %q", got)
	}
}

func TestDialErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want call.EndKind
		text string
	}{
		{"policy", fmt.Errorf("x: %w", errRefusedByPolicy), call.EndPolicy, "policy: h: "},
		{"own", errOwnListener, call.EndPolicy, "policy: h: "},
		{"no such host", &net.DNSError{IsNotFound: true}, call.EndDNS, "dns: h: "},
		{"name server silent", &net.DNSError{IsTimeout: true}, call.EndTimeout, "timeout: h: "},
		{"deadline", context.DeadlineExceeded, call.EndTimeout, "timeout: h: "},
		{"refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, call.EndRefused, "refused: h: "},
		{"no route", syscall.EHOSTUNREACH, call.EndRefused, "refused: h: "},
		{"already told", &DialError{Kind: call.EndTLS, Host: "p", Err: io.EOF}, call.EndTLS, "tls: p: EOF"},
		{"upstream proxy", &DialError{Kind: call.EndPolicy, Proxy: "p:1", Host: "h:2", Err: io.EOF}, call.EndPolicy, "upstream_proxy: h:2: EOF"},
	} {
		e := dialError("h", c.err)
		if e.Kind != c.want || !strings.HasPrefix(e.Error(), c.text) {
			t.Errorf("%s: kind %v, text %q", c.name, e.Kind, e.Error())
		}
	}
	if !errors.Is(dialError("h", io.EOF), io.EOF) {
		t.Error("the cause is lost")
	}
	if got := transportKind(errors.New("remote error: tls: bad certificate")); got != call.EndTLS {
		t.Errorf("TLS alert: %v", got)
	}
}

// TestWhoEnded: the first end decides, and a failed write is the receiver's end.
func TestWhoEnded(t *testing.T) {
	for _, c := range []struct {
		name string
		d    relay.Direction
		k    relay.EndKind
		side call.Side
		kind call.EndKind
	}{
		{"service closes", relay.Down, relay.CloseNotify, call.SideUpstream, call.EndClosed},
		{"service resets", relay.Down, relay.RST, call.SideUpstream, call.EndReset},
		{"service ends inside a record", relay.Down, relay.FINInside, call.SideUpstream, call.EndShort},
		{"service speaks nonsense", relay.Down, relay.BrokenRecord, call.SideUpstream, call.EndReset},
		{"client does not take it", relay.Down, relay.WriteFailed, call.SideClient, call.EndClosed},
		{"client closes", relay.Up, relay.FIN, call.SideClient, call.EndClosed},
		{"client resets", relay.Up, relay.RST, call.SideClient, call.EndReset},
		{"service does not take it", relay.Up, relay.WriteFailed, call.SideUpstream, call.EndClosed},
		{"shutdown", relay.Up, relay.Stopped, call.SideAgent, call.EndClosed},
	} {
		if got := whoEnded(c.d, relay.Ending{Kind: c.k}); got.side != c.side || got.kind != c.kind {
			t.Errorf("%s: %v %v", c.name, got.side, got.kind)
		}
	}
}

func TestIDsSortByTime(t *testing.T) {
	b, at := &builder{}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	last := ""
	for i := range 100 {
		id := b.newID(at.Add(time.Duration(i) * time.Millisecond))
		if len(id) != 20 || id <= last {
			t.Fatalf("id %q after %q", id, last)
		}
		last = id
	}
}

func TestLiveCallsAreBounded(t *testing.T) {
	l := newLiveCalls()
	for i := range maxLive + 10 {
		l.add(&call.Record{Identity: call.Identity{ID: fmt.Sprintf("%06d", i)}})
	}
	list := l.list()
	if len(list) != maxLive || list[0].Identity.ID < list[1].Identity.ID {
		t.Errorf("%d listed, first %s then %s", len(list), list[0].Identity.ID, list[1].Identity.ID)
	}
	l.remove(list[0].Identity.ID)
	if len(l.list()) != maxLive-1 {
		t.Error("remove does not remove")
	}
}

func compress(coding string, plain []byte) []byte {
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	switch coding {
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	}
	_, _ = w.Write(plain)
	_ = w.Close()
	return b.Bytes()
}

// inflate pushes packed in pieces of the given size.
func inflate(t testing.TB, coding string, packed []byte, size int) (plain []byte, whole bool, err error) {
	t.Helper()
	f, ok := newInflater(coding, func(p []byte) { plain = append(plain, p...) })
	if !ok || f == nil {
		t.Fatalf("no inflater for %s", coding)
	}
	for len(packed) > 0 {
		n := min(max(size, 1), len(packed))
		if e := f.Push(packed[:n]); e != nil && err == nil && !f.done() {
			err = e
		}
		packed = packed[n:]
	}
	return plain, f.Close(), err
}

func TestInflate(t *testing.T) {
	text := []byte(strings.Repeat(`data: {"choices":[{"delta":{"content":"owl"}}]}`+"\n\n", 200))
	for _, coding := range []string{"gzip", "br", "zstd"} {
		packed := compress(coding, text)
		for _, size := range []int{1, 2, 7, 100, 1 << 20} {
			if got, whole, err := inflate(t, coding, packed, size); err != nil || !whole || !bytes.Equal(got, text) {
				t.Errorf("%s in pieces of %d: %d bytes, whole %v, %v", coding, size, len(got), whole, err)
			}
		}
		if got, whole, _ := inflate(t, coding, packed[:len(packed)/2], 5); whole || !bytes.HasPrefix(text, got) {
			t.Errorf("%s cut in half: whole %v, %d bytes", coding, whole, len(got))
		}
		if _, whole, _ := inflate(t, coding, nil, 5); whole {
			t.Errorf("%s of nothing is whole", coding)
		}
		bomb := compress(coding, make([]byte, 32<<20))
		got, whole, err := inflate(t, coding, bomb, 512)
		if !errors.Is(err, errRatio) || whole || len(got) > 8<<20 {
			t.Errorf("%s bomb: %d bytes, whole %v, %v", coding, len(got), whole, err)
		}
	}
	for _, coding := range []string{"", "identity", " IDENTITY "} {
		if f, ok := newInflater(coding, nil); f != nil || !ok {
			t.Errorf("coding %q: %v %v", coding, f, ok)
		}
	}
	if f, ok := newInflater("owl", nil); f != nil || ok {
		t.Errorf("unknown coding: %v %v", f, ok)
	}
}

// FuzzInflate: any bytes in any split give what one push gives, and never panic.
func FuzzInflate(f *testing.F) {
	for i, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		f.Add(uint8(i), uint8(3), compress(coding, []byte("owls are silent, owls are silent")))
		f.Add(uint8(i), uint8(1), []byte("\x1f\x8b\x08\x00garbage"))
	}
	f.Fuzz(func(t *testing.T, which, size uint8, packed []byte) {
		coding := []string{"gzip", "deflate", "br", "zstd"}[which%4]
		a, wholeA, _ := inflate(t, coding, packed, len(packed))
		b, wholeB, _ := inflate(t, coding, packed, int(size))
		if wholeA != wholeB || wholeA && !bytes.Equal(a, b) {
			t.Errorf("%s: whole %v %d bytes in one push, %v %d bytes in pieces of %d", coding, wholeA, len(a), wholeB, len(b), size)
		}
	})
}

// TestRequestEOFComesWithTheLastByte is golang/go#40747: the Read that delivers
// the last byte of a known length says EOF.
func TestRequestEOFComesWithTheLastByte(t *testing.T) {
	tap := &bodyTap{t: &transport{p: &Proxy{b: &builder{stats: newStats()}}}, asked: make(chan struct{})}
	b := &tappedRequest{ReadCloser: io.NopCloser(iotest.OneByteReader(strings.NewReader("abcde"))), tap: tap, left: 3}
	var got []string
	for range 3 {
		p := make([]byte, 8)
		n, err := b.Read(p)
		got = append(got, fmt.Sprint(string(p[:n]), err))
	}
	if d := cmp.Diff([]string{"a<nil>", "b<nil>", "cEOF"}, got); d != "" {
		t.Errorf("reads (-want +got):\n%s", d)
	}
}

// copied is a copy of its own.
func copied(fields []observe.Field) (h headers) {
	h.copy(fields)
	return h
}
