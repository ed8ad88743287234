package deploy

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const root = "../../deploy"

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// files lists the files below deploy whose name ends so; "" is every file.
func files(t *testing.T, suffix string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no *%s below %s (%v)", suffix, root, err)
	}
	return out
}

// documents are the YAML documents of a file.
func documents(t *testing.T, path string) []map[string]any {
	t.Helper()
	var out []map[string]any
	d := yaml.NewDecoder(bytes.NewReader([]byte(read(t, path))))
	for {
		var doc map[string]any
		switch err := d.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, doc)
	}
}

// walk calls visit for every mapping in v.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, child := range v {
			walk(child, visit)
		}
	case []any:
		for _, child := range v {
			walk(child, visit)
		}
	}
}

func TestYAMLParses(t *testing.T) {
	for _, path := range files(t, ".yaml") {
		for i, doc := range documents(t, path) {
			if len(doc) == 0 {
				t.Errorf("%s: document %d is empty", path, i)
			}
		}
	}
}

// TestNamesExist: variables and ports that deploy names are the agent's.
func TestNamesExist(t *testing.T) {
	known := read(t, "../../docs/configuration.md") + " LLMTAP_PROXY "
	ports := map[string]bool{"4141": true, "4142": true, "4143": true, "4199": true}
	for _, path := range files(t, "") {
		text := read(t, path)
		for _, name := range regexp.MustCompile(`\bLLMTAP_[A-Z_]+`).FindAllString(text, -1) {
			if !regexp.MustCompile(name + `\b`).MatchString(known) {
				t.Errorf("%s: the agent reads no %s", path, name)
			}
		}
		for _, m := range regexp.MustCompile(`[:\s"](41\d\d)\b`).FindAllStringSubmatch(text, -1) {
			if !ports[m[1]] {
				t.Errorf("%s: nothing listens on %s", path, m[1])
			}
		}
	}
}

// TestImagesAreFixed: a tag that moves is another program tomorrow.
func TestImagesAreFixed(t *testing.T) {
	image := regexp.MustCompile(`(?m)(?:^\s*-?\s*image: |^\s*FROM )(\S+)`)
	for _, path := range files(t, "") {
		for _, m := range image.FindAllStringSubmatch(read(t, path), -1) {
			name := m[1]
			own := name == "llmtap" && strings.Contains(path, "kubernetes") // kustomize adds its tag
			_, tag, tagged := strings.Cut(filepath.Base(name), ":")
			if !own && (!tagged || tag == "latest" || tag == "") {
				t.Errorf("%s: image %s has no fixed tag", path, name)
			}
		}
	}
}

func TestDockerfile(t *testing.T) {
	text := read(t, root+"/docker/Dockerfile")
	for _, want := range []string{
		"\nUSER 65532:65532\n", "CGO_ENABLED=0", "-trimpath", "static-debian12:nonroot", `CMD ["/llmtap", "check", "--ready"]`, `ENTRYPOINT ["/llmtap"]`,
		`CMD ["run"]`, "org.opencontainers.image.revision", `VOLUME ["/var/lib/llmtap"]`, "--chown=65532:65532",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q", want)
		}
	}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if (word == "CMD" || word == "ENTRYPOINT") && !strings.HasPrefix(rest, "[") {
			t.Errorf("there is no shell for %q", line)
		}
	}
	mod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))
	if mod == nil || !strings.Contains(text, "golang:"+mod[1]+".") {
		t.Errorf("the builder is not Go %v of go.mod", mod)
	}
}

// TestGeneratedIsCommitted: rules and dashboards of Kubernetes are those of dashboards/.
func TestGeneratedIsCommitted(t *testing.T) {
	out := t.TempDir()
	run(t, "../../deploy/kubernetes/generate.sh", out)
	for _, name := range []string{"rules.yaml", "dashboards.yaml"} {
		if read(t, filepath.Join(out, name)) != read(t, filepath.Join(root, "kubernetes/overlays/monitoring", name)) {
			t.Errorf("%s is old: make deploy", name)
		}
	}
	boards, err := filepath.Glob("../../dashboards/json/*.json")
	if err != nil {
		t.Fatal(err)
	}
	maps := documents(t, filepath.Join(out, "dashboards.yaml"))
	if len(maps) != len(boards) {
		t.Fatalf("%d ConfigMaps for %d dashboards", len(maps), len(boards))
	}
	for i, m := range maps {
		data, _ := m["data"].(map[string]any)
		if got, want := data[filepath.Base(boards[i])], read(t, boards[i]); got != want {
			t.Errorf("%s is not what it was made of", boards[i])
		}
	}
}
