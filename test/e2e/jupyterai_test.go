//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// TestJupyterAI plays jupyter-ai#1208 with the real programs of its time: a
// service that refuses streams, and a user who saves the settings, chats, asks
// for a notebook and runs a cell. What llmtap advises is then done.
func TestJupyterAI(t *testing.T) {
	for version, story := range map[string]func(t *testing.T, j *jupyter){
		"2.11.0": worksAsItIs, "2.18.1": losesSettings, "2.19.0": losesSettingsThenStreams,
		"2.29.0": streams, "2.31.7": streams, "3.2.0": streamsAlways,
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			story(t, jupyterOf(t, version))
		})
	}
}

// aiSteps are what the user of version 2 does. The plain calls stand on both
// sides of the chat, as people try what else works.
var aiSteps = []step{
	{Do: "configure"},
	{Do: "magic", Text: "Tell me about owls."},
	{Do: "chat", Text: "Where do owls live?"},
	{Do: "generate", Text: "a notebook about owls"},
}

const (
	aiAnswered  = "Owls hunt at night because their"
	aiNotebook  = "I have created your notebook"
	aiNoVersion = "Must provide either the `api_version` argument or the `OPENAI_API_VERSION` environment variable"
	aiRefused   = "Internal server error"
)

// What llmtap must have seen of these steps.
const (
	magicPlain    = "magic: 1 call of 1 attempt, plain, ok"
	chatPlain     = "chat: 1 call of 1 attempt, plain, ok"
	chatRefused   = "chat: 1 call of 3 attempts, stream, gateway_error_opaque"
	chatLost      = "chat: 1 call of 1 attempt, unknown, failed_before_call"
	generateLost  = "generate: 1 call of 1 attempt, unknown, failed_before_call"
	generatePlain = "generate: 5 calls of 1 attempt, plain, ok"
)

// worksAsItIs: up to 2.18 the chat asks for one answer.
func worksAsItIs(t *testing.T, j *jupyter) {
	l := j.lab(t)
	shows(t, l.play(t, "", aiSteps...), "204", aiAnswered, aiAnswered, aiNotebook)
	if list := l.verdicts(t); len(list) > 0 {
		t.Errorf("verdicts where all works: %+v", list)
	}
	tells(t, j, l.stop(t), magicPlain, chatPlain, generatePlain)
}

// losesSettings: the settings panel's fields are dropped, and nothing leaves. The
// remedy stands in the record that the server's log made.
func losesSettings(t *testing.T, j *jupyter) {
	j.lost(t)
	l := j.lab(t)
	shows(t, l.play(t, "", aiSteps...), "204", aiAnswered, aiAnswered, aiNotebook)
	if list := l.verdicts(t); len(list) > 0 {
		t.Errorf("verdicts where all works: %+v", list)
	}
	tells(t, j, l.stop(t), magicPlain, chatPlain, generatePlain)
}

// losesSettingsThenStreams: once the settings are kept, the chat streams. There
// is no setting against that which helps in 2.19, and the verdict says so.
func losesSettingsThenStreams(t *testing.T, j *jupyter) {
	j.lost(t)
	l := j.lab(t)
	shows(t, l.play(t, "", aiSteps...), "204", aiAnswered, aiRefused, aiNotebook)
	f := l.verdict(t, "confirmed")
	if !slices.ContainsFunc(f.Remedy, func(r string) bool { return strings.Contains(r, "Jupyter AI 2.19.0: upgrade to 2.29 or later first") }) {
		t.Errorf("no upgrade in the remedy of 2.19.0: %q", f.Remedy)
	}
	tells(t, j, l.stop(t), magicPlain, chatRefused, generatePlain)
}

// lost plays the part in which nothing leaves, and puts the remedy into the
// configuration.
func (j *jupyter) lost(t *testing.T) {
	t.Helper()
	l := j.lab(t)
	shown := l.play(t, "", aiSteps...)
	shows(t, shown, "204", aiAnswered, aiNoVersion, "")
	if strings.Contains(shown[3], aiNotebook) {
		t.Errorf("/generate made a notebook without settings: %s", shown[3])
	}
	records := l.stop(t)
	tells(t, j, records, magicPlain, chatLost, generateLost)
	i := slices.IndexFunc(records, func(r call.Record) bool { return r.Client.Rule == "log-api-version" })
	if i < 0 {
		t.Fatal("no record of the failure that the log tells")
	}
	r := &records[i]
	if r.Client.Version != j.version || r.Diagnosis.Reason != "ValidationError" || !strings.Contains(r.Diagnosis.Text, "loses what the settings panel says") {
		t.Errorf("version %q, reason %q, text %q", r.Client.Version, r.Diagnosis.Reason, r.Diagnosis.Text)
	}
	line, file := settingOf(t, r.Diagnosis.Remedy)
	line = strings.Replace(line, "<deployment>", j.deployment, 1)
	line = strings.Replace(line, `"azure_endpoint": "https://..."`, `"azure_endpoint": "`+aiEndpoint+`"`, 1)
	line = strings.Replace(line, `"api_version": "..."`, `"api_version": "`+aiVersion+`"`, 1)
	if strings.Contains(line, "...") || strings.Contains(line, "<") {
		t.Fatalf("what is to be filled in has another form: %s", line)
	}
	j.setting(t, file, line)
}

// streams: the chat of 2.29 and later, until the verdict's line is in the
// configuration.
func streams(t *testing.T, j *jupyter) {
	l := j.lab(t)
	shows(t, l.play(t, "", aiSteps...), "204", aiAnswered, aiRefused, aiNotebook)
	f := l.verdict(t, "confirmed")
	l.versionShown(t)
	tells(t, j, l.stop(t), magicPlain, chatRefused, generatePlain)

	line, file := settingOf(t, f.Remedy)
	j.setting(t, file, line)
	l = j.lab(t)
	shows(t, l.play(t, "", step{Do: "chat", Text: "Where do owls live?"}), aiAnswered)
	l.closed(t, f.ID)
	tells(t, j, l.stop(t), chatPlain)
}

// streamsAlways: Jupyternaut of Jupyter AI 3 heeds no setting; another form of
// the model's name makes it ask for one answer.
func streamsAlways(t *testing.T, j *jupyter) {
	model := "azure/" + j.deployment
	l := j.lab(t)
	magic, chat := step{Do: "magic", Text: "Tell me about owls."}, step{Do: "chat", Text: "Where do owls live?"}
	shows(t, l.play(t, model, magic, chat, magic), aiAnswered, aiRefused, aiAnswered)
	// Its chat always carries tools and %%ai never does: that is said, and what
	// confirms the verdict is a plain call with tools.
	f := l.verdict(t, "suspected")
	if !slices.Equal(f.ConfoundedBy, []string{"tools"}) {
		t.Errorf("confounded by %v, want tools", f.ConfoundedBy)
	}
	if s := strings.Join(f.Remedy, "\n"); strings.Contains(s, "/generate") {
		t.Errorf("Jupyter AI 3 has no /generate: %s", s)
	}
	l.callDirectly(t, `[{"type":"function","function":{"name":"count_owls","parameters":{"type":"object","properties":{}}}}]`)
	f = l.verdict(t, "confirmed")
	l.versionShown(t)
	m := regexp.MustCompile("choose the model id `([^`]+)`").FindStringSubmatch(strings.Join(f.Remedy, "\n"))
	if m == nil {
		t.Fatalf("no model id in the remedy: %q", f.Remedy)
	}
	shows(t, l.play(t, m[1], chat), aiAnswered)
	l.closed(t, f.ID)
	tells(t, j, l.stop(t), "-: 1 call of 1 attempt, plain, ok", chatRefused, "-: 2 calls of 1 attempt, plain, ok", chatPlain)
}

// shows compares what each step showed.
func shows(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, w := range want {
		if !strings.Contains(got[i], w) {
			t.Errorf("step %d shows %s, want %q in it", i, clip(got[i]), w)
		}
	}
}

// tells compares what was seen, one line for each kind of call in its turn, and
// who called.
func tells(t *testing.T, j *jupyter, records []call.Record, want ...string) {
	t.Helper()
	type kind struct{ surface, rest string }
	var got []string
	var last kind
	calls := 0
	for i := 0; i < len(records); {
		n := 1
		for i+n < len(records) && records[i+n].Identity.Logical == records[i].Identity.Logical && records[i].Identity.Logical != "" {
			n++
		}
		r := &records[i]
		k := kind{r.Client.Surface, fmt.Sprintf("of %s, %v, %v", counted(n, "attempt"), r.Request.Mode, r.Diagnosis.Class)}
		if k.surface == "" {
			k.surface = "-"
		}
		if k != last {
			last, calls = k, 0
			got = append(got, "")
		}
		calls++
		got[len(got)-1] = fmt.Sprintf("%s: %s %s", k.surface, counted(calls, "call"), k.rest)
		i += n
	}
	if !slices.Equal(got, want) {
		t.Errorf("seen:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	for i := range records {
		r := &records[i]
		unseen := r.Client.Version == "" && r.Client.Surface == "magic" // a kernel's first call may be over before its process is found
		if r.Client.Name == "jupyter-ai" && r.Client.Version != j.version && !unseen {
			t.Errorf("%s call by version %q, want %s", r.Client.Surface, r.Client.Version, j.version)
		}
	}
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

var (
	settingLine = regexp.MustCompile("`(c\\.AiExtension\\.model_parameters = [^`]+)`")
	settingFile = regexp.MustCompile(`in (jupyter_\w+_config\.py)`)
)

// settingOf finds the line that the remedies tell to write, and the file.
func settingOf(t *testing.T, remedies []string) (line, file string) {
	t.Helper()
	for _, r := range remedies {
		l, f := settingLine.FindStringSubmatch(r), settingFile.FindStringSubmatch(r)
		if l != nil && f != nil {
			return l[1], f[1]
		}
	}
	t.Fatalf("no line for a configuration in the remedies: %q", remedies)
	return "", ""
}
