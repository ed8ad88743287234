package local

import (
	"errors"
	"slices"
	"strings"
)

// Reasons why a connection's process is not known.
var (
	// ErrNotLocal says that the client is on another host.
	ErrNotLocal = errors.New("client is not on this host")
	// ErrNotPermitted says that the socket exists here but its process is not
	// visible: it runs as another user, in another PID namespace, or hidden.
	ErrNotPermitted = errors.New("not permitted to see the client's process")
	// ErrGone says that the process closed the connection or ended first.
	ErrGone = errors.New("the client's process is gone")
	// ErrBusy says that the search reached its bounds, or that too many waited.
	ErrBusy = errors.New("too much to look through")
	// ErrPending says that the search is not over yet.
	ErrPending = errors.New("search is not over")
	// ErrNotAvailable says that this system cannot be asked.
	ErrNotAvailable = errors.New("not available on this system")
)

// reasons are the words of a record for each error; ErrNotLocal needs none.
var reasons = []struct {
	err  error
	word string
}{
	{ErrNotPermitted, "not_permitted"},
	{ErrGone, "gone"},
	{ErrBusy, "busy"},
	{ErrPending, "pending"},
	{ErrNotAvailable, "not_available"},
}

// Reason is the word by which records say why a process is not known; empty
// for nil and for a client on another host.
func Reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return ""
}

// Kinds of processes.
const (
	KindServer = "server" // a Jupyter server: chat, /generate, /fix, /ask
	KindKernel = "kernel" // a notebook's Python: magics and the user's own code
	KindPython = "python"
	KindNode   = "node"
	KindOther  = "other"
)

// Info is what is known of a process. It is shared and must not be changed.
type Info struct {
	PID int
	// Name is a well-known program's name (jupyterhub-singleuser,
	// ipykernel_launcher, python, node), else that of the executable.
	Name string
	// UID is the socket's owner as the kernel says it.
	UID int
	// Start is when the process started, in clock ticks since boot: PID and
	// Start together name a process for good.
	Start uint64
	Kind  string
	// Packages are sorted by name. Only packages of a closed list are in it,
	// only those that were there when the process started, and none whose
	// version is ambiguous.
	Packages []Package
	// HubUser and HubServer are what the environment claims
	// (JUPYTERHUB_USER, JUPYTERHUB_SERVER_NAME): the user can forge them.
	HubUser, HubServer string
}

// Package is one installed distribution: the normalised name (langchain-openai,
// @langchain/openai) and its version.
type Package struct{ Name, Version string }

// Version returns the installed version of the package, empty if not known.
func (i Info) Version(name string) string {
	at, ok := slices.BinarySearchFunc(i.Packages, name, func(p Package, n string) int { return strings.Compare(p.Name, n) })
	if !ok {
		return ""
	}
	return i.Packages[at].Version
}
