// Package web is the admin listener's HTTP side: metrics, health, the JSON API
// of the contract, a live feed and one plain page. It only reads; taking it
// away leaves a working agent.
//
//	request ─► headers ─► Host known? ─► GET or HEAD? ─► token or cookie? ─► route
//	              421 ◄────┘      405 ◄────┘       401 ◄────┘
//
// Hosts are shared, so everything that shows calls needs the run's token even
// on loopback. Answers never carry the content of prompts, whatever the agent
// was told to keep. Limits of connections and time belong to the http.Server
// that serves Handler; register Hub.Close with its RegisterOnShutdown, or live
// feeds keep Shutdown waiting.
package web
