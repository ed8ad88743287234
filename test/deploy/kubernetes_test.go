package deploy

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// container is what the rules below ask of one.
type container struct {
	Name, Image string
	Resources   struct{ Limits map[string]any }
	Security    struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
}

type podSpec struct {
	InitContainers []container `yaml:"initContainers"`
	Containers     []container
	Grace          int `yaml:"terminationGracePeriodSeconds"`
	Security       struct {
		RunAsNonRoot        bool   `yaml:"runAsNonRoot"`
		FSGroupChangePolicy string `yaml:"fsGroupChangePolicy"`
	} `yaml:"securityContext"`
}

func (c *container) locked() bool {
	s := c.Security
	return s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation && s.ReadOnlyRootFilesystem && slices.Contains(s.Capabilities.Drop, "ALL")
}

func TestDeploymentIsLocked(t *testing.T) {
	var d struct {
		Spec struct{ Template struct{ Spec podSpec } }
	}
	decode(t, "kubernetes/base/deployment.yaml", &d)
	pod := d.Spec.Template.Spec
	if !pod.Security.RunAsNonRoot || pod.Security.FSGroupChangePolicy != "OnRootMismatch" || len(pod.Containers) != 2 {
		t.Errorf("got %+v", pod)
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		if !c.locked() || c.Resources.Limits["memory"] == nil {
			t.Errorf("%s: %+v", c.Name, c)
		}
	}
	var conf struct{ Data map[string]string }
	decode(t, "kubernetes/base/configmap.yaml", &conf)
	var agent struct{ Drain string }
	if err := yaml.Unmarshal([]byte(conf.Data["llmtap.yaml"]), &agent); err != nil {
		t.Fatal(err)
	}
	drain, err := time.ParseDuration(agent.Drain)
	if err != nil || time.Duration(pod.Grace)*time.Second < drain+15*time.Second {
		t.Errorf("killed after %ds in a drain of %s and what follows it (%v)", pod.Grace, agent.Drain, err)
	}
}

func TestSidecarIsLocked(t *testing.T) {
	var patch struct{ Spec podSpec }
	decode(t, "kubernetes/overlays/sidecar/patch.yaml", &patch)
	var values struct{ Singleuser podSpec }
	decode(t, "kubernetes/z2jh/sidecar.yaml", &values)
	for name, pod := range map[string]podSpec{"patch": patch.Spec, "values": values.Singleuser} {
		if len(pod.InitContainers) != 1 || !pod.InitContainers[0].locked() {
			t.Errorf("%s: %+v", name, pod)
		}
	}
	// The Service picks pods by this label: a user's pod must not answer for all.
	if strings.Contains(read(t, root+"/kubernetes/overlays/sidecar/patch.yaml"), "app.kubernetes.io/name") {
		t.Error("a user's pod would be taken for the hub's agent")
	}
}

// TestKustomizationsNameFiles: every resource and patch is there.
func TestKustomizationsNameFiles(t *testing.T) {
	for _, path := range files(t, "kustomization.yaml") {
		var k struct {
			Resources []string
			Patches   []struct{ Path string }
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		decode(t, rel, &k)
		for _, p := range k.Patches {
			k.Resources = append(k.Resources, p.Path)
		}
		for _, r := range k.Resources {
			for _, doc := range documents(t, filepath.Join(filepath.Dir(path), r)) {
				if doc["kind"] == nil || doc["apiVersion"] == nil {
					t.Errorf("%s: %s is no object", path, r)
				}
			}
		}
	}
}

// TestMountsHaveVolumes: in each object every mount names a volume of it.
func TestMountsHaveVolumes(t *testing.T) {
	for _, path := range []string{"base/deployment.yaml", "overlays/sidecar/patch.yaml", "z2jh/values.yaml", "z2jh/sidecar.yaml"} {
		volumes := map[any]bool{}
		var mounts []any
		for _, doc := range documents(t, filepath.Join(root, "kubernetes", path)) {
			walk(doc, func(m map[string]any) {
				switch {
				case m["mountPath"] != nil:
					mounts = append(mounts, m["name"])
				case m["emptyDir"] != nil || m["secret"] != nil || m["configMap"] != nil || m["persistentVolumeClaim"] != nil:
					volumes[m["name"]] = true
				}
			})
		}
		for _, name := range mounts {
			if !volumes[name] {
				t.Errorf("%s: no volume %v", path, name)
			}
		}
		if len(mounts) == 0 {
			t.Errorf("%s: no mounts were found", path)
		}
	}
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, path))), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
