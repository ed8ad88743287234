//go:build e2e

package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shell runs a program with nothing of this machine's environment but PATH.
func shell(t *testing.T, vars []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}, vars...)
	cmd.WaitDelay = 5 * time.Second // for children that keep the pipe open
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// need skips where a tool is absent, and says which.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not tested: no %s on this machine", tool)
		}
	}
}

func agentBinary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/llmtap")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run make build", err)
	}
	return path
}

// mountRoot is what testdata/deb.sh begins with; containers may forbid it.
const mountRoot = `mount -t tmpfs -o size=16m llmtap /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work llmtap /mnt/root
mount -t proc proc /mnt/root/proc
mount --bind /dev /mnt/root/dev`

// TestPackageLives: install, start, upgrade, remove, purge, on a copy of this
// machine's root.
func TestPackageLives(t *testing.T) {
	need(t, "dpkg-deb", "unshare", "chroot")
	if os.Geteuid() != 0 {
		t.Skip("not tested: mounting a copy of the root needs root")
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-ec", mountRoot).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: a copy of the root cannot be mounted here: %v %s", err, out)
	}
	out := t.TempDir()
	for _, version := range []string{"0.0.1", "0.0.2"} {
		shell(t, []string{"DEB_VERSION=" + version}, "../../deploy/deb/build.sh", agentBinary(t), out)
	}
	arch := strings.TrimSpace(shell(t, nil, "dpkg", "--print-architecture"))
	got := shell(t, nil, "unshare", "--mount", "testdata/deb.sh",
		filepath.Join(out, "llmtap_0.0.1_"+arch+".deb"), filepath.Join(out, "llmtap_0.0.2_"+arch+".deb"))
	if n := strings.Count("\n"+got, "\nok: "); n != 5 {
		t.Errorf("%d of 5 steps:\n%s", n, got)
	}
	t.Log(got)
}

// TestPackageIsReproducible: the same input makes the same bytes.
func TestPackageIsReproducible(t *testing.T) {
	need(t, "dpkg-deb")
	var sums [2]string
	for i := range sums {
		out := t.TempDir()
		shell(t, []string{"SOURCE_DATE_EPOCH=1700000000", "DEB_VERSION=1"}, "../../deploy/deb/build.sh", agentBinary(t), out)
		files, err := filepath.Glob(filepath.Join(out, "*.deb"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		sums[i], _, _ = strings.Cut(shell(t, nil, "sha256sum", files[0]), " ")
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds differ: %v", sums)
	}
}

// TestUnit: systemd accepts the unit, and finds little to hold against it.
func TestUnit(t *testing.T) {
	need(t, "systemd-analyze")
	dir := t.TempDir()
	text, err := os.ReadFile("../../deploy/systemd/llmtap.service")
	if err != nil {
		t.Fatal(err)
	}
	// verify wants the command to exist; where it is installed is the package's matter.
	path := filepath.Join(dir, "llmtap.service")
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "/usr/bin/llmtap", agentBinary(t), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := shell(t, nil, "systemd-analyze", "verify", "--man=no", path); strings.Contains(out, "llmtap.service") {
		t.Errorf("verify: %s", out)
	}
	out := shell(t, nil, "systemd-analyze", "security", "--offline=true", path)
	m := regexp.MustCompile(`Overall exposure level for llmtap.service: ([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no score in %s", out)
	}
	score, err := strconv.ParseFloat(m[1], 64)
	if err != nil || score >= 2 {
		t.Errorf("exposure %s, want below 2 (%v)", m[1], err)
	}
	t.Logf("systemd-analyze security: %.1f", score)
}
