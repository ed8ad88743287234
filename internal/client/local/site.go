package local

import (
	"path"
	"time"

	"llmtap/internal/call"
)

// Site reads which of the known packages a folder of Python packages has, for
// callers that know the folder and not the process. The name is taken for
// hearsay: it must be a clean absolute path that ends as such folders do, and
// only the names in it are read. Nothing is known of any other.
func Site(dir string) Info {
	base := path.Base(dir)
	if !available || !path.IsAbs(dir) || path.Clean(dir) != dir || base != "site-packages" && base != "dist-packages" {
		return Info{}
	}
	found, whole := listSite(tree{}, dir)
	if !whole {
		return Info{}
	}
	return Info{Kind: KindServer, Packages: decide(found, time.Time{})}
}

// Describe adds to c, a server's Jupyter AI, the version and what it stands on,
// as far as the packages tell. Its process stays as it is.
func (i Info) Describe(c *call.Client) {
	process := c.Process
	i.complete(c)
	c.Process = process
}
