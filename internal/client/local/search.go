package local

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Sizes of the caches; what was used longest ago goes first.
const (
	maxProcesses    = 256
	maxEnvironments = 64
)

// searcher does the searching. One goroutine owns it.
type searcher struct {
	cfg   Config
	own   string // the agent's mount namespace
	boot  time.Time
	known cache[incarnation, *Info]
	sites cache[site, []installed]
}

// incarnation names one process for good: a number is used again, and a process
// may become another program.
type incarnation struct {
	pid   int
	start uint64
	exe   string
}

// site is a folder of packages as it was at one time.
type site struct {
	tree, dir string
	changed   time.Time
}

func newSearcher(c Config) *searcher {
	own, _ := os.Readlink(filepath.Join(c.Proc, "self", "ns", "mnt")) // unknown: all trees count as ours
	return &searcher{
		cfg: c, own: own, boot: bootTime(c.Proc),
		known: newCache[incarnation, *Info](maxProcesses), sites: newCache[site, []installed](maxEnvironments),
	}
}

// search answers every one of the batch.
func (s *searcher) search(batch []*Search) {
	end := time.Now().Add(s.cfg.Budget)
	keys := make([][]string, len(batch))
	for i, b := range batch {
		keys[i] = tableKeys(b.client, b.server)
	}
	table := newPairs(keys)
	tableErr := table.readTables(s.cfg.Proc, end)
	if tableErr != nil && !errors.Is(tableErr, ErrBusy) {
		tableErr = ErrNotPermitted
	}
	holders, scanErr := s.holders(table.found, end)
	var unheld []int
	for i, b := range batch {
		sock, listed := table.found[i]
		h, held := holders[sock.inode]
		switch {
		case held:
			b.finish(s.look(h, sock, end))
		case !listed:
			b.finish(Info{}, cmp.Or(tableErr, ErrGone))
		case scanErr != nil:
			b.finish(Info{}, scanErr)
		default:
			unheld = append(unheld, i)
		}
	}
	if len(unheld) == 0 {
		return
	}
	again := newPairs(keys)
	_ = again.readTables(s.cfg.Proc, end) // what it cannot say is taken for gone
	for _, i := range unheld {
		// While the kernel still lists a socket somebody holds it whom we
		// cannot see.
		if again.found[i] == table.found[i] {
			batch[i].finish(Info{}, ErrNotPermitted)
		} else {
			batch[i].finish(Info{}, ErrGone)
		}
	}
}

// holders finds who has the sockets open: the processes that called before
// first, then the socket owners' others, then the rest.
func (s *searcher) holders(sockets map[int]socket, end time.Time) (map[uint64]holder, error) {
	if len(sockets) == 0 {
		return nil, nil
	}
	n := newScan(s.cfg, end, sockets)
	var uids, before []int
	for _, k := range sockets {
		if !slices.Contains(uids, k.uid) {
			uids = append(uids, k.uid)
		}
	}
	for k, e := range s.known.entries {
		if slices.Contains(uids, e.value.UID) {
			before = append(before, k.pid)
		}
	}
	slices.Sort(before)
	if err := n.processes(before); err != nil || len(n.found) == len(n.want) {
		return n.found, err
	}
	pids, err := candidates(s.cfg, uids)
	if errors.Is(err, ErrBusy) {
		return n.found, err
	}
	if err != nil {
		return n.found, ErrNotPermitted
	}
	return n.found, n.processes(pids)
}

// look describes the holder of a socket, from the cache if it is known.
func (s *searcher) look(h holder, sock socket, end time.Time) (Info, error) {
	p, err := openProcess(s.cfg.Proc, h, sock.inode)
	if err != nil {
		return Info{}, err
	}
	defer p.close()
	k := incarnation{p.pid, p.start, p.exe}
	info, ok := s.known.get(k)
	if !ok {
		var whole bool
		info, whole = s.describe(p, end)
		info.UID = sock.uid
		if whole {
			s.known.put(k, info)
		}
	}
	out := *info
	out.UID = sock.uid
	return out, nil
}

// describe reads all that is kept of a process; false if there was no time or
// right to read its packages, which the next search may have.
func (s *searcher) describe(p *process, end time.Time) (*Info, bool) {
	p.describe()
	i := &Info{PID: p.pid, Start: p.start}
	i.Name, i.Kind = nameOf(p.exe, p.argv, p.comm)
	i.HubUser, i.HubServer = p.claims()
	if i.Kind == KindOther {
		return i, true
	}
	t, err := treeOf(s.cfg.Proc, s.own, p)
	if err != nil {
		return i, false
	}
	defer t.close()
	var all []installed
	if i.Kind == KindNode {
		all = modulesOf(t, p)
	} else {
		all = s.distributions(t, p)
	}
	if time.Now().After(end) {
		return i, false
	}
	i.Packages = decide(all, p.startTime(s.boot))
	return i, true
}

// distributions lists what the folders of a Python process have; nothing if one
// of them could not be read as a whole, for it may hold another version.
func (s *searcher) distributions(t tree, p *process) []installed {
	var all []installed
	for _, dir := range sitesOf(t, p) {
		k := site{t.id, dir, t.changed(dir)}
		list, ok := s.sites.get(k)
		if !ok {
			var whole bool
			if list, whole = listSite(t, dir); !whole {
				return nil
			}
			s.sites.put(k, list)
		}
		all = append(all, list...)
	}
	return all
}
