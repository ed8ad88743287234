package diagnose_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// recorded says what the attempts of each scripted scenario are, streamed and
// plain; an empty plain class means that the service treated both alike.
var recorded = map[string]struct{ stream, plain string }{
	"ok":              {"ok", "ok"},
	"ka":              {"ok", ""},
	"crlf":            {"ok", ""},
	"nospace":         {"ok", ""},
	"enc-gzip":        {"ok", "ok"},
	"buffered":        {"stream_buffered one_block", "ok"},
	"err500":          {"provider_error internal", "provider_error internal"},
	"err429":          {"rate_limited rate", "rate_limited rate"},
	"json200":         {"stream_downgraded", ""},
	"stream_ignored":  {"stream_downgraded", "ok"},
	"cut":             {"stream_truncated", ""},
	"sse_truncated":   {"stream_truncated", "ok"},
	"cutclean":        {"stream_incomplete", ""},
	"sse_eof":         {"stream_incomplete", "ok"},
	"errin":           {"error_in_stream server_error", ""},
	"errdone":         {"error_in_stream server_error", ""},
	"errevent":        {"error_in_stream server_error", ""},
	"errfield":        {"error_in_stream server_error", ""},
	"errstr":          {"error_in_stream server_error", ""},
	"sse_error_event": {"error_in_stream server_error", "ok"},
	"client_cancel":   {"client_cancelled", ""},
	"slow":            {"client_cancelled", ""},
	"kaid":            {"client_choked comment_after_id", ""},
	"retryline":       {"client_choked block_without_data", ""},
	"html200":         {"non_api_response login_page", ""},
	"html502":         {"gateway_error_opaque", ""},
	"empty200":        {"empty_stream zero_bytes", ""},
	"ssejsonct":       {"content_type_mismatch wrong", ""},
	"nostream500":     {"provider_error internal", "ok"},
	"nostream_apim":   {"provider_error internal", "ok"},
	"nostream400":     {"stream_unsupported model", "ok"},
}

// Records of real clients against a scripted service, as the decoders made
// them: Jupyter AI, LangChain, LiteLLM, the SDKs of OpenAI, curl, requests.
func TestRecordedAttempts(t *testing.T) {
	f, err := os.Open("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]bool{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var row struct {
			Scenario string
			Record   call.Record
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		want, known := recorded[row.Scenario]
		if !known {
			continue // clients may hang up on a coding they did not ask for: open
		}
		seen[row.Scenario] = true
		class := want.stream
		if want.plain != "" && row.Record.Request.Mode != call.ModeStream {
			class = want.plain
		}
		d := diagnose.Classify(row.Record)
		if got := strings.TrimSpace(d.Class.String() + " " + d.Reason); got != class {
			t.Errorf("line %d, %s from %s: got %s by %s, want %s", n, row.Scenario, row.Record.Client.Name, got, d.Rule, class)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range recorded {
		if !seen[name] {
			t.Errorf("no record of scenario %s", name)
		}
	}
}
