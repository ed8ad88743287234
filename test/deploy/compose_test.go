package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func services(t *testing.T) map[string]map[string]any {
	t.Helper()
	docs := documents(t, root+"/compose/compose.yaml")
	all, _ := docs[0]["services"].(map[string]any)
	out := map[string]map[string]any{}
	for name, v := range all {
		s, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("service %s is %T", name, v)
		}
		out[name] = s
	}
	for _, name := range []string{"agent", "faultllm", "prometheus", "jaeger", "grafana", "jupyterhub", "story"} {
		if out[name] == nil {
			t.Fatalf("no service %s", name)
		}
	}
	return out
}

func list(v any) []string {
	var out []string
	items, _ := v.([]any)
	for _, i := range items {
		if s, ok := i.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// TestMountedPathsExist: docker makes a folder of a path that does not.
func TestMountedPathsExist(t *testing.T) {
	for name, s := range services(t) {
		for _, mount := range list(s["volumes"]) {
			source, _, _ := strings.Cut(mount, ":")
			if !strings.HasPrefix(source, ".") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, "compose", source)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !strings.HasSuffix(mount, ":ro") {
				t.Errorf("%s: %s can be written", name, mount)
			}
		}
	}
}

// TestServicesAreBounded: memory, loopback, logs, and no wait for a health
// that nobody measures.
func TestServicesAreBounded(t *testing.T) {
	all := services(t)
	for name, s := range all {
		if s["mem_limit"] == nil {
			t.Errorf("%s has no memory limit", name)
		}
		if s["logging"] == nil {
			t.Errorf("%s keeps its log for ever", name)
		}
		if name != "jupyterhub" && s["read_only"] != true {
			t.Errorf("%s may write to its root", name)
		}
		for _, p := range list(s["ports"]) {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is for everybody", name, p)
			}
		}
		if s["network_mode"] != nil && (s["network_mode"] != "service:agent" || s["ports"] != nil) {
			t.Errorf("%s: network_mode %v, ports %v", name, s["network_mode"], s["ports"])
		}
		deps, _ := s["depends_on"].(map[string]any)
		for on, v := range deps {
			condition, _ := v.(map[string]any)
			measured := on == "agent" || all[on]["healthcheck"] != nil // the agent's is in its image
			if all[on] == nil || (condition["condition"] == "service_healthy" && !measured) {
				t.Errorf("%s waits for %s: %v", name, on, v)
			}
		}
	}
	if on := list(all["prometheus"]["command"]); !strings.Contains(strings.Join(on, " "), "--enable-feature=exemplar-storage") {
		t.Errorf("no dot leads to a trace: %v", on)
	}
}
