package relay

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// alertNames are the alerts a peer sends about certificates and versions, by
// their number; others are known by crypto/tls's text only.
var alertNames = map[tls.AlertError]string{
	10: "unexpected_message", 20: "bad_record_mac", 40: "handshake_failure", 42: "bad_certificate",
	43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
	70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 90: "user_canceled",
	109: "missing_extension", 112: "unrecognized_name", 113: "bad_certificate_status_response",
	116: "certificate_required", 120: "no_application_protocol", 121: "ech_required",
}

// distrustAlerts say "I do not accept that certificate".
var distrustAlerts = map[string]bool{
	"bad_certificate": true, "unsupported_certificate": true, "certificate_revoked": true,
	"certificate_expired": true, "certificate_unknown": true, "unknown_ca": true, "access_denied": true,
	"bad_certificate_status_response": true,
}

// alertName names the alert that the peer sent, if err is one. crypto/tls
// keeps the alert's type to itself, so that its text is all there is; this is
// the one place that compares it.
func alertName(err error) (string, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return "", false
	}
	text := op.Err.Error()
	for code, name := range alertNames {
		if code.Error() == text {
			return name, true
		}
	}
	return "other", true
}

// plainAlert names an alert that came in cleartext after our part was
// encrypted: OpenSSL rejects a TLS 1.3 certificate that way, and crypto/tls
// sees no more than a record that cannot be decrypted.
func plainAlert(record [7]byte) (string, bool) {
	if record[0] != recordAlert || record[1] != 3 || record[3] != 0 || record[4] != 2 || record[5] < 1 || record[5] > 2 {
		return "", false
	}
	if name, ok := alertNames[tls.AlertError(record[6])]; ok {
		return name, true
	}
	return "other", true
}

// alertFailure folds an alert into the closed list of the failure counter.
func alertFailure(alert string) string {
	switch alert {
	case "unknown_ca":
		return "unknown_ca"
	case "certificate_expired":
		return "expired"
	case "unrecognized_name":
		return "name_mismatch"
	case "other", "internal_error", "user_canceled":
		return "other"
	}
	if distrustAlerts[alert] {
		return "bad_certificate"
	}
	return "protocol"
}

// isTransport tells a connection that broke from a protocol that did.
func isTransport(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op != "remote error" && op.Op != "local error"
}
