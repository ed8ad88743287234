// Package web shows calls over HTTP: metrics, health, the JSON API of the
// contract, a live feed, and pages without script. It only reads; taking it away
// leaves a working agent.
//
//	admin listener ─► Host known? ─► GET or HEAD? ─► token or cookie? ─┐
//	                      421 ◄┘         405 ◄┘          401 ◄┘        ├─► Viewer ─► shelf ─► API, pages
//	hub's proxy ─► GET or HEAD, or logout? ─► logged in at the hub? ───┘
//	                                405 ◄┘       401, or to the hub ◄┘
//
// Hosts are shared, so everything that shows calls needs the run's token even
// on loopback, or a login at a JupyterHub (Service). Each request has a Viewer,
// and handlers read through that viewer's shelf: without one nothing is seen.
// Answers never carry the content of prompts but one page, which is written to
// the log. Limits of connections and time belong to the http.Server that serves
// Handler; register Hub.Close with its RegisterOnShutdown, or live feeds keep
// Shutdown waiting.
package web
