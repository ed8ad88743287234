package tail_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/serverlog/tail"
)

// said collects what a Follower hands over, as one text: old bytes in
// brackets, ends as |, refusals as !.
type said struct{ b strings.Builder }

func (s *said) Data(_ tail.Log, b []byte, old bool) {
	if old {
		fmt.Fprintf(&s.b, "[%s]", b)
		return
	}
	s.b.Write(b)
}
func (s *said) Ended(_ tail.Log, gone bool) {
	s.b.WriteByte('|')
	if gone {
		s.b.WriteByte('.')
	}
}
func (s *said) Refused(tail.Log, error) { s.b.WriteByte('!') }
func (s *said) take() string            { t := s.b.String(); s.b.Reset(); return t }
func (s *said) wants(t *testing.T, want string) {
	t.Helper()
	if got := s.take(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// place is a folder with a Follower whose time stands still between polls.
type place struct {
	t    *testing.T
	dir  string
	said said
	f    *tail.Follower
	now  time.Time
}

func follow(t *testing.T, patterns ...string) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), now: time.Unix(1000, 0)}
	for i := range patterns {
		patterns[i] = filepath.Join(p.dir, patterns[i])
	}
	f, err := tail.New(patterns, &p.said)
	if err != nil {
		t.Fatal(err)
	}
	p.f = f
	t.Cleanup(f.Close)
	return p
}

func (p *place) poll() { p.now = p.now.Add(time.Second); p.f.Poll(p.now) }
func (p *place) scan() { p.now = p.now.Add(10 * time.Second); p.f.Poll(p.now) }
func (p *place) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) put(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	p.check(os.MkdirAll(filepath.Dir(path), 0o755))
	p.check(os.WriteFile(path, []byte(text), 0o644))
}

func (p *place) add(name, text string) {
	p.t.Helper()
	f, err := os.OpenFile(filepath.Join(p.dir, name), os.O_APPEND|os.O_WRONLY, 0)
	p.check(err)
	_, err = f.WriteString(text)
	p.check(errors.Join(err, f.Close()))
}

// TestWhatWasThereIsOld: the head says whose log it is; only what is added is news.
func TestWhatWasThereIsOld(t *testing.T) {
	p := follow(t, "a.log")
	p.put("a.log", "before\n")
	p.poll()
	p.said.wants(t, "[before\n]")
	p.add("a.log", "one\n")
	p.poll()
	p.poll()
	p.said.wants(t, "one\n")
	p.add("a.log", "last")
	p.f.Close()
	p.said.wants(t, "last|.")
	p.f.Close()
	p.said.wants(t, "")
}

// TestOfALongOldLogTheHeadIsRead and the rest skipped.
func TestOfALongOldLogTheHeadIsRead(t *testing.T) {
	p := follow(t, "a.log")
	p.put("a.log", strings.Repeat("x", 1<<20))
	p.poll()
	if got := p.said.take(); len(got) != 64<<10+2 {
		t.Errorf("%d bytes", len(got))
	}
	p.add("a.log", "y")
	p.poll()
	p.said.wants(t, "y")
}

// TestFilesThatComeLater are read from their beginning, once they are found.
func TestFilesThatComeLater(t *testing.T) {
	p := follow(t, "a.log", "d/*.log")
	p.poll()
	p.put("a.log", "a1\n")
	p.put("d/b.log", "b1\n")
	p.put("d/c.txt", "c1\n")
	p.poll()
	p.said.wants(t, "")
	p.scan()
	p.said.wants(t, "a1\nb1\n")
	p.add("d/b.log", "b2\n")
	p.poll()
	p.said.wants(t, "b2\n")
}

// TestRotation: the old file is read to its end, then the new one from its start.
func TestRotation(t *testing.T) {
	p := follow(t, "a.log")
	p.put("a.log", "")
	p.poll()
	p.add("a.log", "old1\n")
	p.check(os.Rename(filepath.Join(p.dir, "a.log"), filepath.Join(p.dir, "a.log.1")))
	p.poll()
	p.said.wants(t, "old1\n")
	p.add("a.log.1", "old2\n")
	p.put("a.log", "new1\n")
	p.poll()
	p.said.wants(t, "old2\n|new1\n")
	p.add("a.log", "new2\n")
	p.poll()
	p.said.wants(t, "new2\n")
}

// TestTruncation, as copytruncate does it: what comes next is from the start.
func TestTruncation(t *testing.T) {
	p := follow(t, "a.log")
	p.put("a.log", "long enough\n")
	p.poll()
	p.said.take()
	p.put("a.log", "new\n")
	p.poll()
	p.said.wants(t, "|new\n")
}

// TestRemovedLogs are let go after a while, and met again as new ones.
func TestRemovedLogs(t *testing.T) {
	p := follow(t, "a.log")
	p.put("a.log", "")
	p.poll()
	p.check(os.Remove(filepath.Join(p.dir, "a.log")))
	p.poll()
	p.said.wants(t, "")
	p.poll()
	p.said.wants(t, "|.")
	p.put("a.log", "again\n")
	p.scan()
	p.said.wants(t, "again\n")
}

// TestALargeLogIsReadInTurns: no log keeps the others waiting.
func TestALargeLogIsReadInTurns(t *testing.T) {
	p := follow(t, "*.log")
	p.poll()
	p.put("a.log", strings.Repeat("a", 3<<20))
	p.put("b.log", "b")
	p.scan()
	got := p.said.take()
	if len(got) != 1<<20+1 || !strings.HasSuffix(got, "b") {
		t.Errorf("%d bytes at once", len(got))
	}
	p.poll()
	p.poll()
	p.poll()
	if got := p.said.take(); len(got) != 2<<20 {
		t.Errorf("then %d bytes", len(got))
	}
}

// TestWhatCannotBeFollowed is said once; a pipe blocks nobody.
func TestWhatCannotBeFollowed(t *testing.T) {
	p := follow(t, "*.log")
	p.check(os.Mkdir(filepath.Join(p.dir, "d.log"), 0o755))
	p.check(syscall.Mkfifo(filepath.Join(p.dir, "p.log"), 0o600))
	p.scan()
	p.scan()
	p.said.wants(t, "!!")
	p.check(os.Remove(filepath.Join(p.dir, "p.log")))
	p.scan()
	p.put("p.log", "real\n")
	p.scan()
	p.said.wants(t, "real\n")
}

// TestTooManyLogs: the others are refused.
func TestTooManyLogs(t *testing.T) {
	p := follow(t, "*.log")
	for i := range tail.MaxFiles + 3 {
		p.put(fmt.Sprintf("%03d.log", i), "")
	}
	p.poll()
	p.said.wants(t, "!!!")
	for i := range tail.MaxFiles {
		p.check(os.Remove(filepath.Join(p.dir, fmt.Sprintf("%03d.log", i))))
	}
	p.poll()
	p.poll()
	p.said.take()
	p.add(fmt.Sprintf("%03d.log", tail.MaxFiles), "old by now\n")
	p.scan()
	p.said.wants(t, "[old by now\n]")
}

// users notes whose logs came.
type users struct{ said }

func (u *users) Data(l tail.Log, b []byte, old bool) {
	fmt.Fprintf(&u.b, "%s:%s ", l.User, filepath.Base(l.Path))
	u.said.Data(l, b, old)
}

// TestUsersAreInThePath: {user} names them.
func TestUsersAreInThePath(t *testing.T) {
	for name, c := range map[string]struct{ pattern, file, want string }{
		"file":      {"{user}.log", "ada.log", "ada"},
		"folder":    {"{user}/server.log", "ada/server.log", "ada"},
		"with star": {"{user}/*.log", "ada/x.log", "ada"},
		"with text": {"jupyter-{user}-1.log", "jupyter-a-b-1.log", "a-b"},
		"in class":  {"[hj]upyter-{user}.?og", "jupyter-ada.log", "ada"},
		"none":      {"*.log", "ada.log", ""},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, c.file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
		var u users
		f, err := tail.New([]string{filepath.Join(dir, c.pattern)}, &u)
		if err != nil {
			t.Fatal(err)
		}
		f.Poll(time.Unix(1, 0))
		f.Close()
		if got, _, _ := strings.Cut(u.take(), ":"); got != c.want {
			t.Errorf("%s: user %q, want %q", name, got, c.want)
		}
	}
}

// TestPatternsAreChecked before anything is followed.
func TestPatternsAreChecked(t *testing.T) {
	for text, ok := range map[string]bool{"/var/log/x.log": true, "/var/log/{user}/*.log": true, "/a/[b": false, "": false, "/{user}/{user}": false, `/a\`: false} {
		if err := tail.Check(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := tail.New([]string{text}, nil); (err == nil) != ok {
			t.Errorf("%q: new: %v", text, err)
		}
	}
}
