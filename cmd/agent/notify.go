package main

import (
	"log/slog"
	"net"
)

// What a service manager is told, in systemd's words (sd_notify(3)).
const (
	serviceReady    = "READY=1"
	serviceStopping = "STOPPING=1"
)

// notify tells the service manager that started this process what the agent
// is at. It does nothing where nobody asks, and a manager that cannot be told
// costs a line in the log, never a call.
func notify(env environment, log *slog.Logger, state string) {
	path := env.getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path) // a leading @ is an abstract name
	if err == nil {
		_, err = conn.Write([]byte(state))
		_ = conn.Close() // the datagram has left, or err says why not
	}
	if err != nil {
		log.Warn("the service manager was not told", "state", state, "error", err.Error())
	}
}
