package local

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// maxEntries bounds the listing of one folder of packages.
const maxEntries = 20_000

// startSlack is how much younger than its process a distribution may look: the
// boot time is known to the second only.
const startSlack = 2 * time.Second

// distributions are the Python packages that matter to a call, by their
// normalised names. Nothing else of an environment is kept.
var distributions = []string{
	"anthropic", "boto3", "cohere", "google-genai", "ipykernel", "jupyter-ai", "jupyter-ai-jupyternaut", "jupyter-ai-litellm",
	"jupyter-ai-magic-commands", "jupyter-ai-magics", "jupyter-server", "jupyterhub", "jupyterlab", "langchain", "langchain-anthropic",
	"langchain-community", "langchain-core", "langchain-ollama", "langchain-openai", "litellm", "llama-index", "llama-index-core",
	"llama-index-llms-azure-openai", "llama-index-llms-openai", "mistralai", "notebook", "ollama", "openai",
}

// installed is one distribution in one folder.
type installed struct {
	Package
	at time.Time // when its folder was last written: when it was installed
}

// listSite reads which of the known distributions a folder has. Only names are
// read; false if the folder could not be read as a whole.
func listSite(t tree, site string) ([]installed, bool) {
	var out []installed
	whole := t.names(site, maxEntries, func(entry string) {
		stem, ok := strings.CutSuffix(entry, ".dist-info")
		if !ok {
			return
		}
		name, version, ok := cutLast(stem, "-")
		name = normalise(name)
		if !ok || !slices.Contains(distributions, name) || !isVersion(version) {
			return
		}
		if at := t.changed(site + "/" + entry); !at.IsZero() {
			out = append(out, installed{Package{name, version}, at})
		}
	})
	return out, whole
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// normalise writes a distribution's name as package indexes do.
func normalise(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(parts, "-")
}

// isVersion accepts what can be a version and is fit to be shown.
func isVersion(s string) bool {
	return s != "" && len(s) <= 40 && s[0] >= '0' && s[0] <= '9' &&
		strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+!_-") == ""
}

// decide keeps what a process that started at start must have: a package that
// was installed later may be in use or not, and one that is there in two
// versions is either; both stay unknown.
func decide(all []installed, start time.Time) []Package {
	doubtful := map[string]bool{}
	version := map[string]string{}
	for _, d := range all {
		v, seen := version[d.Name]
		if seen && v != d.Version || !start.IsZero() && d.at.After(start.Add(startSlack)) {
			doubtful[d.Name] = true
		}
		version[d.Name] = d.Version
	}
	var out []Package
	for name, v := range version {
		if !doubtful[name] {
			out = append(out, Package{name, v})
		}
	}
	slices.SortFunc(out, func(a, b Package) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
