package compare_test

import (
	"strings"
	"testing"

	"llmtap/internal/call"
)

// jupyter makes a call one of Jupyter AI's.
func jupyter(surface, version, user string) option {
	return func(r *call.Record) {
		r.Client.Name, r.Client.Version, r.Client.Surface, r.Client.User = "jupyter-ai", version, surface, user
	}
}

// TestRemedyClosesTheVerdict: the chat that failed as a stream asks for one
// answer and gets it. Other calls that always did show nothing of the kind.
func TestRemedyClosesTheVerdict(t *testing.T) {
	ada, bob := jupyter("chat", "2.31.7", "ada"), jupyter("chat", "2.31.7", "bob")
	magic := one{jupyter("magic", "2.31.7", "ada")}
	for _, tc := range []struct {
		name  string
		calls []one
		want  string
	}{
		{"the chat asks for one answer", []one{magic, {ada, stream, fails}, {ada, stream, fails}, magic, {ada}}, "suspected, confirmed, closed works_again"},
		{"before it was confirmed", []one{{ada, stream, fails}, {ada, stream, fails}, {ada}}, "suspected, closed works_again"},
		{"magics and notebooks always did", []one{magic, {ada, stream, fails}, {ada, stream, fails}, magic, {jupyter("generate", "2.31.7", "ada")}}, "suspected, confirmed"},
		{"another version", []one{magic, {ada, stream, fails}, {ada, stream, fails}, magic, {jupyter("chat", "2.18.1", "ada")}}, "suspected, confirmed"},
		{"another user", []one{magic, {ada, stream, fails}, {ada, stream, fails}, magic, {bob}}, "suspected, confirmed"},
		{"one of two users", []one{magic, {ada, stream, fails}, {bob, stream, fails}, magic, {ada}}, "suspected, confirmed"},
		{"both users", []one{magic, {ada, stream, fails}, {bob, stream, fails}, magic, {ada}, {bob}}, "suspected, confirmed, closed works_again"},
		{"a program's own calls", []one{{}, {stream, fails}, {stream, fails}, {}, {}}, "suspected, confirmed"},
		{"the setting is lost again", []one{magic, {ada, stream, fails}, {ada, stream, fails}, magic, {ada}, {ada, stream, fails}, {ada, stream, fails}, magic}, "suspected, confirmed, closed works_again, suspected, confirmed"},
		{"people who share one way", []one{magic, {ada, stream, fails}, {ada}, {ada, stream, fails}, {ada}, {ada, stream, fails}, {ada}}, "suspected, confirmed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := told(tc.calls...)
			if got := w.states(streamOnly); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestRemediesAreNoIntermittentService: that two users mended their settings
// hides no third one, as a service that comes and goes would.
func TestRemediesAreNoIntermittentService(t *testing.T) {
	var calls []one
	for _, user := range []string{"ada", "bob", "eve"} {
		chat := jupyter("chat", "2.31.7", user)
		calls = append(calls, one{}, one{chat, stream, fails}, one{chat, stream, fails}, one{}, one{chat})
	}
	want := strings.TrimSuffix(strings.Repeat("suspected, confirmed, closed works_again, ", 3), ", ")
	if got := told(calls...).states(streamOnly); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRemedyIsSaidWithoutALie: the service has not changed, and no stream is
// said to work.
func TestRemedyIsSaidWithoutALie(t *testing.T) {
	chat := jupyter("chat", "2.31.7", "")
	w := told(one{}, one{chat, stream, fails}, one{chat, stream, fails}, one{}, one{chat})
	last := w.all[len(w.all)-1]
	want := "jupyter-ai 2.31.7 (chat) works again: it now asks for one plain answer. Streamed requests failed here "
	if !strings.HasPrefix(last.Text, want) || !strings.HasSuffix(last.Text, " and were not tried since.") {
		t.Errorf("got %q", last.Text)
	}
	if support, _, _ := w.Support(last.Target); support != 0 {
		t.Errorf("stream support %d, want 0: not known", support)
	}
}

// TestRemedyOutlivesARestart: what the store holds opens no verdict anew.
func TestRemedyOutlivesARestart(t *testing.T) {
	s := story{now: zero}
	chat := jupyter("chat", "2.31.7", "")
	records := []call.Record{s.call(), s.call(chat, stream, fails), s.call(chat, stream, fails), s.call(), s.call(chat)}
	before := watch().observe(records...)
	again := watch()
	if got := again.Restore(records, before.all[len(before.all)-1:]); len(got) != 0 {
		t.Errorf("restored: %+v", got)
	}
	if again.observe(s.call(chat), s.call()); len(again.all) != 0 {
		t.Errorf("opened anew: %+v", again.all)
	}
}
