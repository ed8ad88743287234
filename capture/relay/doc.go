// Package relay splices one client connection to one upstream connection. It
// ends TLS on both legs and copies the plaintext verbatim, one record at a
// time; it writes no byte of its own into either. How a leg ends is shown on
// the other leg in the same kind. It knows nothing of HTTP: a Tap sees the
// bytes after they were forwarded.
//
//	client ──TLS──► leg ──Read──► 16 KiB ──Write──► leg ──TLS──► upstream   Up
//	client ◄──TLS── leg ◄──Write── 16 KiB ◄──Read── leg ◄──TLS── upstream   Down
//	                               └──► Tap: the bytes, when read, when written
//
// Until the first byte goes to the client, every obstacle (a certificate that
// does not verify, a client certificate, odd TLS) turns the tunnel blind: the
// bytes of the ClientHello, which were kept, are replayed to a fresh upstream
// connection, and both peers talk to each other as if nobody stood between.
package relay
