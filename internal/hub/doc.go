// Package hub lets the users of a JupyterHub in: it is the side of a service in
// the hub's OAuth login, small enough to be read in one sitting.
//
//	browser ─► Identify: no session ─► hub: authorize ─► Callback: state, code
//	                                                        │ code ─► token ─► who, may he
//	browser ◄── a cookie that names a session ◄─────────────┘
//	browser ─► Identify: session ─► User      (asked again of the hub, see recheck)
//
// A program may show its user's API token instead. Tokens stay in memory and
// are in no log and no answer. Everything here is bounded and expires. When the
// hub does not answer nobody is let in anew, and nobody longer than recheck.
package hub
