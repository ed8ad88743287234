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
	diag  *diag  // nil where the kernel cannot be asked: its tables are read
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
	var d *diag
	if c.Proc == systemProc {
		d, _ = openDiag() // without it the tables do
	}
	return &searcher{
		cfg: c, diag: d, own: own, boot: bootTime(c.Proc),
		known: newCache[incarnation, *Info](maxProcesses), sites: newCache[site, []installed](maxEnvironments),
	}
}

// close gives back what the searcher has open.
func (s *searcher) close() { s.diag.close() }

// search answers every one of the batch.
func (s *searcher) search(batch []*Search) {
	end := time.Now().Add(s.cfg.Budget)
	sockets, tableErr := s.sockets(batch, end)
	holders, scanErr := s.holders(sockets, end)
	var unheld []int
	for i, b := range batch {
		sock, listed := sockets[i]
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
	again, _ := s.sockets(batch, end) // what it cannot say is taken for gone
	for _, i := range unheld {
		// While the kernel still lists a socket somebody holds it whom we
		// cannot see.
		if again[i] == sockets[i] {
			batch[i].finish(Info{}, ErrNotPermitted)
		} else {
			batch[i].finish(Info{}, ErrGone)
		}
	}
}

// sockets finds the clients' ends of a batch, by their places in it.
func (s *searcher) sockets(batch []*Search, end time.Time) (map[int]socket, error) {
	if found, ok := s.ask(batch); ok {
		return found, nil
	}
	keys := make([][]string, len(batch))
	for i, b := range batch {
		keys[i] = tableKeys(b.client, b.server)
	}
	table := newPairs(keys)
	err := table.readTables(s.cfg.Proc, end)
	if err != nil && !errors.Is(err, ErrBusy) {
		err = ErrNotPermitted
	}
	return table.found, err
}

// ask asks the kernel for each; false once it cannot be asked.
func (s *searcher) ask(batch []*Search) (map[int]socket, bool) {
	if s.diag == nil {
		return nil, false
	}
	found := make(map[int]socket, len(batch))
	for i, b := range batch {
		sock, ok, err := s.diag.socket(b.client, b.server)
		if err != nil {
			s.diag.close()
			s.diag = nil
			return nil, false
		}
		if ok {
			found[i] = sock
		}
	}
	return found, true
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
