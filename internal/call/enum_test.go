package call_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// label is what every enum offers.
type label interface {
	fmt.Stringer
	encoding.TextMarshaler
}

// enum is one closed vocabulary: its labels in order, and how to make and read
// a value.
type enum struct {
	labels string
	value  func(int) label
	read   func([]byte) (label, error)
	json   func([]byte) (label, error)
}

func vocabulary[E interface {
	~uint8
	label
}, P interface {
	*E
	encoding.TextUnmarshaler
}](labels string) enum {
	return enum{
		labels: labels,
		value:  func(i int) label { return E(i) },
		read: func(b []byte) (label, error) {
			var e E
			err := P(&e).UnmarshalText(b)
			return e, err
		},
		json: func(b []byte) (label, error) {
			var x struct{ V E }
			err := json.Unmarshal([]byte(`{"V":`+string(b)+`}`), &x)
			return x.V, err
		},
	}
}

// vocabularies are the labels of the contract, written out: they are in stores,
// dashboards and scripts, so a changed word or order is a breaking change.
func vocabularies() map[string]enum {
	return map[string]enum{
		"mode":        vocabulary[call.Mode]("unknown stream plain"),
		"stream flag": vocabulary[call.StreamFlag]("unknown true false absent invalid"),
		"client kind": vocabulary[call.ClientKind]("unknown direct framework"),
		"tristate":    vocabulary[call.Tristate]("unknown true false"),
		"outcome":     vocabulary[call.Outcome]("unknown ok error cancelled"),
		"severity":    vocabulary[call.Severity]("none info warn error"),
		"fault":       vocabulary[call.Fault]("unknown client network provider config agent user"),
		"framing":     vocabulary[call.Framing]("unknown json sse ndjson eventstream json_array html text empty other"),
		"transfer":    vocabulary[call.Transfer]("unknown length chunked close h2"),
		"error shape": vocabulary[call.ErrorShape]("unknown openai azure azure_validate apim bare fastapi databricks google anthropic aws flat list string html text empty other"),
		"end side":    vocabulary[call.Side]("unknown upstream client agent"),
		"end kind":    vocabulary[call.EndKind]("unknown eof short reset h2_rst timeout closed refused dns tls policy"),
		"view":        vocabulary[call.View]("unknown full opaque"),
		"capture":     vocabulary[call.CaptureState]("unknown full truncated off"),
		"mode of way": vocabulary[call.CaptureMode]("unknown mitm reverse plain log"),
		"class": vocabulary[call.Class](`unknown ok agent_induced tls_untrusted upstream_unreachable stale_connection first_byte_timeout
			non_api_response stream_flag_invalid stream_option_rejected stream_unsupported plain_unsupported content_filtered
			parameter_unsupported api_version_incompatible endpoint_not_found auth_rejected rate_limited gateway_timeout
			gateway_error_opaque provider_error request_rejected framing_invalid error_in_body stream_unrequested stream_downgraded
			plain_body_invalid content_type_mismatch error_in_stream stream_truncated empty_stream stream_incomplete client_choked
			client_timeout client_cancelled sse_malformed unclean_close tool_delta_malformed stream_buffered stream_stalled
			hang_after_done duplicate_output failed_before_call`),
	}
}

func TestEveryEnumIsTheContract(t *testing.T) {
	for name, e := range vocabularies() {
		labels := strings.Fields(e.labels)
		for i, want := range labels {
			v := e.value(i)
			if v.String() != want {
				t.Errorf("%s %d: got %q, want %q", name, i, v, want)
			}
			b, err := v.MarshalText()
			if err != nil || string(b) != want {
				t.Errorf("%s %q: marshalled %q, %v", name, want, b, err)
			}
			if back, err := e.read(b); err != nil || back != v {
				t.Errorf("%s %q: came back as %v, %v", name, want, back, err)
			}
			if back, err := e.json([]byte(`"` + want + `"`)); err != nil || back != v {
				t.Errorf("%s %q: came back from JSON as %v, %v", name, want, back, err)
			}
		}
		// A value of a later build reads as the first label, not as a crash.
		for _, beyond := range []int{len(labels), 255} {
			if got := e.value(beyond).String(); got != labels[0] {
				t.Errorf("%s: value %d reads %q, want %q", name, beyond, got, labels[0])
			}
		}
	}
}

func TestUnknownLabelsAreErrors(t *testing.T) {
	for name, e := range vocabularies() {
		labels := strings.Fields(e.labels)
		for _, bad := range []string{"no_such_label", " " + labels[1], strings.ToUpper(labels[1]), labels[1] + "x"} {
			if v, err := e.read([]byte(bad)); err == nil || !strings.Contains(err.Error(), "unknown value") {
				t.Errorf("%s: %q was read as %v, %v", name, bad, v, err)
			}
		}
		if v, err := e.read(nil); err != nil || v != e.value(0) {
			t.Errorf("%s: nothing was read as %v, %v; want the zero value", name, v, err)
		}
		for _, bad := range []string{"1", "true", "{}", "[]"} {
			if v, err := e.json([]byte(bad)); err == nil {
				t.Errorf("%s: JSON %s was read as %v", name, bad, v)
			}
		}
	}
}

func TestLabelsAreDistinctAndPlain(t *testing.T) {
	for name, e := range vocabularies() {
		seen := map[string]bool{}
		for l := range strings.FieldsSeq(e.labels) {
			if seen[l] || strings.ToLower(l) != l || strings.ContainsAny(l, "- .,:") {
				t.Errorf("%s: %q is no label value (twice: %v)", name, l, seen[l])
			}
			seen[l] = true
		}
	}
}

func TestTri(t *testing.T) {
	if call.Tri(true) != call.True || call.Tri(false) != call.False || call.Unset.String() != "unknown" {
		t.Errorf("got %v and %v", call.Tri(true), call.Tri(false))
	}
}

func TestClassesAreAllButUnknown(t *testing.T) {
	labels := strings.Fields(vocabularies()["class"].labels)
	list := call.Classes()
	if len(list) != len(labels)-1 {
		t.Fatalf("%d classes, want %d", len(list), len(labels)-1)
	}
	for i, c := range list {
		if c.String() != labels[i+1] {
			t.Errorf("class %d is %v, want %s", i, c, labels[i+1])
		}
	}
	list[0] = call.ClassFailedBeforeCall
	if call.Classes()[0] != call.ClassOK {
		t.Error("the list is shared between callers")
	}
}
