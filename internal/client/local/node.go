package local

import (
	"encoding/json"
	"path"
)

// Bounds of the search for Node packages.
const (
	maxManifest = 64 << 10 // bytes of a package.json
	maxLevels   = 24       // folders above the script
)

// modules are the Node packages that matter to a call, sorted.
var modules = []string{
	"@anthropic-ai/sdk", "@google/genai", "@langchain/anthropic", "@langchain/core", "@langchain/openai", "ai", "langchain", "openai",
}

// modulesOf finds the known packages that a Node process would import from its
// script's folder, or from its working directory: of each the nearest one.
func modulesOf(t tree, p *process) []installed {
	from := p.directory()
	if file := script(p.argv); path.IsAbs(file) {
		from = path.Dir(file)
	} else if file != "" && from != "" {
		from = path.Dir(path.Join(from, file))
	}
	var out []installed
	missing := modules
	for n := 0; n < maxLevels && from != "" && len(missing) > 0; n++ {
		if dir := from + "/node_modules"; t.dir(dir) != nil {
			var later []string
			for _, name := range missing {
				if t.dir(dir+"/"+name) == nil {
					later = append(later, name)
				} else if m, ok := manifest(t, dir, name); ok {
					out = append(out, m)
				}
			}
			missing = later
		}
		if from == "/" {
			break
		}
		from = path.Dir(from)
	}
	return out
}

// manifest reads the version of one package of a node_modules folder.
func manifest(t tree, dir, name string) (installed, bool) {
	b, err := t.read(dir+"/"+name+"/package.json", maxManifest)
	if err != nil {
		return installed{}, false
	}
	var m struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(b, &m) != nil || !isVersion(m.Version) {
		return installed{}, false
	}
	// The file's own time is a constant of the registry.
	return installed{Package: Package{name, m.Version}, at: t.changed(dir + "/" + name)}, true
}
