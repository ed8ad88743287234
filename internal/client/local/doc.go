// Package local says which process of this host made a connection: its name
// and kind, the user it runs as, and which LLM packages were installed in its
// Python or Node environment when it started. Versions of Jupyter AI, LangChain
// and LlamaIndex are not on the wire; this is where they come from.
//
//	client port ─► sock_diag, else /proc/net/tcp{,6} ─► inode ─► /proc/*/fd ─► process
//	                                                                     │
//	           name, kind, uid ◄─ stat, exe, cmdline; two named keys ◄───┤
//	           packages ◄─ names of *.dist-info, versions of package.json┘
//
// One goroutine does all the looking, off the data path, for all connections
// that wait at once, within a budget of time, processes and descriptors, and
// rests four times as long as it worked. What it cannot see it says (ErrGone,
// ErrNotPermitted, ErrBusy) instead of guessing.
//
// Nothing here is a permission: command lines, environments and packages are
// their user's to forge. Only the uid is the kernel's.
package local
