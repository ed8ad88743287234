package ca_test

import (
	"path/filepath"
	"testing"

	"llmtap/capture/ca"
)

func TestWidenKeepsWhatIsPermitted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	open := func(names ...string) *ca.Authority {
		t.Helper()
		a, err := ca.Open(ca.Config{Dir: dir, Names: names, Widen: true})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := open("a.test", "b.test")
	if again := open("a.test"); again.Reissued() || again.Info().Fingerprint != first.Info().Fingerprint {
		t.Error("an authority that covers what is asked was replaced")
	}
	wider := open("c.test")
	if !wider.Reissued() {
		t.Error("a missing name must re-issue")
	}
	for _, name := range []string{"a.test", "b.test", "c.test"} {
		if !wider.Permits(name) {
			t.Errorf("%s is not permitted any more", name)
		}
	}
	if wider.Permits("d.test") {
		t.Error("d.test was never asked for")
	}
	narrow, err := ca.Rotate(ca.Config{Dir: dir, Names: []string{"a.test"}, Widen: true})
	if err != nil {
		t.Fatal(err)
	}
	if narrow.Permits("c.test") {
		t.Error("a rotation must narrow to what is configured")
	}
}

func TestInspectReadsWithoutWriting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	if _, _, err := ca.Inspect(dir); err == nil {
		t.Error("no authority must be an error")
	}
	a, err := ca.Open(ca.Config{Dir: dir, Names: []string{"a.test"}})
	if err != nil {
		t.Fatal(err)
	}
	info, pem, err := ca.Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Fingerprint != a.Info().Fingerprint || string(pem) != string(a.CertPEM()) {
		t.Error("Inspect and Open disagree")
	}
}
