package main

import (
	"encoding/json"
	"regexp"
	"testing"
)

// TestPseudonyms: one user has one pseudonym per installation; the name is in
// records only where the admin decided so.
func TestPseudonyms(t *testing.T) {
	here, there := namer(userHash, []byte("one secret")), namer(userHash, []byte("another"))
	if !regexp.MustCompile(`^u-[0-9a-f]{12}$`).MatchString(here("ada")) {
		t.Errorf("pseudonym %q", here("ada"))
	}
	if again := namer(userHash, []byte("one secret")); here("ada") != again("ada") || here("ada") == here("bob") || here("ada") == there("ada") {
		t.Errorf("ada is %q, then %q, bob %q; elsewhere ada is %q", here("ada"), here("ada"), here("bob"), there("ada"))
	}
	if got := namer(userName, nil)("ada"); got != "ada" {
		t.Errorf("name: %q", got)
	}
	if got := namer(userOff, nil)("ada"); got != "" {
		t.Errorf("off: %q", got)
	}
}

// TestEnvSaysThePseudonym: an admin who looks for one user's calls finds out
// how records name him; the variables stay as they are.
func TestEnvSaysThePseudonym(t *testing.T) {
	dir := shortDir(t)
	agentOn(t, dir)
	secret, err := installSecret(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := llmtap(t, vars{}, "env", "--user", "ada", "--state-dir", dir)
	r.wants(t, exitOK, "ada:", "# records name ada "+namer(userHash, secret)("ada"))
	if r := llmtap(t, vars{}, "env", "--user", "ada", "--format", "json", "--state-dir", dir); !json.Valid([]byte(r.stdout)) || r.stderr != "" {
		t.Errorf("stdout %s\nstderr %s", r.stdout, r.stderr)
	}
}
