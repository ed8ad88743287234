//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peerPage reads a page of docs.
func peerPage(t testing.TB, path ...string) string {
	t.Helper()
	root, err := peerRoot()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(append([]string{root, "docs"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// peerProof is the shell block under "Prove it" of an alert's runbook.
func peerProof(t testing.TB, alert string) string {
	t.Helper()
	_, rest, _ := strings.Cut(peerPage(t, "runbooks", alert+".md"), "\n## Prove it\n")
	_, rest, _ = strings.Cut(rest, "```sh\n")
	block, _, ok := strings.Cut(rest, "\n```")
	if !ok {
		t.Fatalf("%s: no shell block under Prove it", alert)
	}
	return block
}

// TestRunbooksProve runs what the runbooks tell people to run, as it stands
// there, against the fault that the alert is about.
func TestRunbooksProve(t *testing.T) {
	t.Parallel()
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{up: up})
	for _, c := range []struct {
		alert, scenario, query string
		want                   string // of the output, as an expression
	}{
		{"LLMStreamingRefused", "refuse-400", "", `(?s)does not support true.*\n400\n.*\n200\n$`},
		{"LLMStreamingIncompatibilitySuspected", "stream-500-apim", "", `(?s)activityId.*\n500\n.*"choices".*\n200\n$`},
		{"LLMPlainCallsFail", "refuse-plain", "", `(?s)\n400\n.*data: .*\n200\n$`},
		{"LLMFrameworkOnlyFailure", "param-max", "", `(?s)max_tokens.*\n400\n.*\n200\n$`},
		{"LLMClientVersionRegression", "stream-500-apim", "", `(?s)\n500\n.*\n200\n$`},
		{"LLMStreamOptionRejected", "option-400", "", `(?s)stream_options.*\n400\n.*\[DONE\]\s+200\n$`},
		{"LLMStreamsCut", "cut-chunk", "", `(?s)(outstanding read data|not closed cleanly).*"choices".*\n200 after [\d.]+ s\n$`},
		{"LLMHopDeadline", "to-504", "&scale=0.01", `(?s)^504 after 0\.[6-9]\d* s.*\n`},
		{"LLMStreamsBuffered", "buf-block", "&scale=0.15", `(?s)^200: first byte after .* s\n +\d+ \d\d:\d\d:\d\d\n`},
		{"LLMFirstChunkSlow", "ok-slow-first", "&scale=0.01", `(?s)^200: connect .*\n200: connect `},
		{"LLMProviderThrottling", "rate-429", "", `(?is)retry-after: \d+.*\n429\n$`},
		{"LLMErrorBudgetBurn", "e500-openai", "", `^500\n500\n$`},
		{"LLMAgentAddsLatency", "ok-openai", "", `(?s)^200: first byte .*\n200: first byte `},
		{"LLMAgentClientsDistrustCA", "ok-openai", "", `(?s)^405\n.*\n000\n.*exit 60\n$`},
		{"LLMAgentDown", "ok-openai", "", `(?s)\n200\n.*\n200\n$`},
		{"LLMAgentLosingRecords", "ok-openai", "", `(?s)llmtap_captures_dropped_total\{reason="queue_full"\} 0\n.*llmtap_spans_pending 0`},
		{"LLMAgentCAExpiring", "ok-openai", "", `(?s)^llmtap_ca_not_after_timestamp_seconds .*issuer: .*llmtap.*SSL certificate verify ok`},
		{"LLMAgentConfigReloadFailed", "ok-openai", "", `(?s)exit 0\nllmtap_config_last_reload_successful 1\n`},
		{"LLMAgentLabelsFolded", "ok-openai", "", `(?s)llmtap_label_values_folded_total\{label="client"\} 0\n`},
		{"LLMTrafficBypassesAgent", "ok-openai", "", `(?s)405\n$`},
	} {
		t.Run(c.alert, func(t *testing.T) {
			t.Parallel()
			a := a
			if c.alert == "LLMAgentClientsDistrustCA" { // it leaves the agent with less trust in this client
				a = peerStart(t, peerSetup{up: up})
			}
			out := peerProve(t, a, up, peerProof(t, c.alert), peerDeployment(up.base(), c.scenario)+c.query)
			if !regexp.MustCompile(c.want).MatchString(out) {
				t.Errorf("it shows\n%s\nwant %s", out, c.want)
			}
		})
	}
}

// peerProve runs a block in the shell of somebody on the agent's host.
func peerProve(t testing.TB, a *peerAgent, up *peerService, block, url string) string {
	t.Helper()
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "llmtap.yaml")
	if err := os.WriteFile(config, []byte("intercept: [llm.example.org]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The service is on localhost, which NO_PROXY names: here it must not.
	shim := "#!/bin/sh\n[ \"$1\" = env ] || exec " + bin + " \"$@\"\n" + bin + " \"$@\" | sed 's/^export \\(NO_PROXY\\|no_proxy\\)=.*/export \\1=/'\n"
	if err := os.WriteFile(filepath.Join(dir, "llmtap"), []byte(shim), 0o700); err != nil {
		t.Fatal(err)
	}
	p := peerRun(t, []string{
		"PATH=" + dir + ":" + os.Getenv("PATH"), "LLM_URL=" + url, "LLM_KEY=e2e-key", "LLM_ADMIN=" + a.info.Admin, "LLM_PROXY=" + a.info.Proxy,
		"LLM_BUNDLE=" + filepath.Join(a.dir, "ca", "bundle.crt"), "LLM_CONFIG=" + config, "LLMTAP_STATE_DIR=" + a.dir, "CURL_CA_BUNDLE=" + up.caFile,
	}, "/bin/sh", "-c", "exec 2>&1\n"+block)
	p.exit(t, 60*time.Second)
	return p.out.String()
}

// peerCode is what of a page is code: its shell blocks and its code spans.
func peerCode(page string) string {
	var out strings.Builder
	for i, part := range strings.Split(page, "```") {
		if i%2 == 1 {
			out.WriteString(part + "\n")
			continue
		}
		for _, span := range regexp.MustCompile("`[^`\n]+`").FindAllString(part, -1) {
			out.WriteString(span + "\n")
		}
	}
	return out.String()
}

// TestRunbooksCommandsExist: every llmtap command that a page names has the
// flags that it is given.
func TestRunbooksCommandsExist(t *testing.T) {
	t.Parallel()
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	named := regexp.MustCompile("(?m)(?:`|\\$\\(|\\d |^ *)llmtap ((?:ca )?[a-z]+)([^`)\n|]*)")
	pages, checked := []string{"traces.md"}, 0
	root, _ := peerRoot()
	books, err := filepath.Glob(filepath.Join(root, "docs", "runbooks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range books {
		pages = append(pages, filepath.Join("runbooks", filepath.Base(b)))
	}
	for _, name := range pages {
		for _, m := range named.FindAllStringSubmatch(peerCode(peerPage(t, name)), -1) {
			command := strings.Fields(m[1])
			if help[m[1]] == "" {
				p := peerRun(t, nil, bin, append(slices.Clone(command), "--help")...)
				if code := p.exit(t, 20*time.Second); code != 0 {
					t.Errorf("%s: there is no command llmtap %s", name, m[1])
					continue
				}
				help[m[1]] = p.out.String()
			}
			for _, flag := range regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(m[2], -1) {
				checked++
				if !strings.Contains(help[m[1]], flag) {
					t.Errorf("%s: llmtap %s has no %s", name, m[1], flag)
				}
			}
		}
	}
	if len(help) < 6 || checked < 20 {
		t.Errorf("found %d commands with %d flags: the search is broken", len(help), checked)
	}
}

// TestSavedSearches: every search of docs/traces.md finds something in a real
// Jaeger after the story, and asks Tempo for the same attribute.
func TestSavedSearches(t *testing.T) {
	t.Parallel()
	j, up := startPeerJaeger(t), peerUpstream(t)
	a := peerStart(t, peerSetup{up: up, args: []string{"--proxy-auth", "optional"}, env: []string{"LLMTAP_IDENTITY_USER=name",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" + j.http, "OTEL_BSP_SCHEDULE_DELAY=200",
	}})
	peerStory(t, a, up)
	// The verdict is open now.
	failing := peerDeployment(up.base(), peerStoryFailing)
	peerSend(t, a.client(false), peerCall{failing, `{` + peerMessages + `}`, map[string]string{"User-Agent": "curl/8.5.0"}})
	peerAsUser(t, a, failing, "ada")

	row := regexp.MustCompile("(?m)^\\| ([^|]+) \\| `([^`|]+)` \\| `([^`]+)` \\|$")
	rows := row.FindAllStringSubmatch(peerPage(t, "traces.md"), -1)
	if len(rows) < 12 {
		t.Fatalf("found %d searches", len(rows))
	}
	for _, r := range rows {
		t.Run(strings.TrimSpace(r[1]), func(t *testing.T) {
			tags := map[string]string{}
			for pair := range strings.FieldsSeq(r[2]) {
				key, value, _ := strings.Cut(pair, "=")
				tags[key] = value
				if text, err := strconv.Unquote(value); err == nil { // as the page's field wants it
					tags[key] = text
				}
				if key != "error" && key != "llmtap.verdict.name" && !strings.Contains(r[3], "span."+key) {
					t.Errorf("TraceQL %s asks for another attribute than %s", r[3], key)
				}
			}
			peerUntil(t, 20*time.Second, func() string {
				found, err := j.find(tags)
				if err != nil {
					return err.Error()
				}
				if len(found) == 0 {
					b, _ := json.Marshal(tags)
					return "no trace has " + string(b)
				}
				return ""
			})
		})
	}
}

// peerAsUser makes a plain call with a user's token.
func peerAsUser(t testing.TB, a *peerAgent, url, user string) {
	t.Helper()
	code, out, errs := a.llmtap("env", "--format", "json", "--user", user)
	var env map[string]string
	if err := json.Unmarshal([]byte(out), &env); code != 0 || err != nil {
		t.Fatalf("env: %d %v %s", code, err, errs)
	}
	p := peerRun(t, []string{"HTTPS_PROXY=" + env["HTTPS_PROXY"], "CURL_CA_BUNDLE=" + filepath.Join(a.dir, "ca", "bundle.crt")},
		"curl", "-sS", "-f", "-H", "Content-Type: application/json", "--data-raw", `{`+peerMessages+`}`, url)
	if code := p.exit(t, 20*time.Second); code != 0 {
		t.Fatalf("curl: %d %s", code, p.err.String())
	}
}
