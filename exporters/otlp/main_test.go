package otlp_test

import (
	"fmt"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// trap stands for our own proxy listener. The process environment names it as
// everybody's proxy from the first test on, since net/http reads the variables
// once; nobody accepts its connections, they stay in its backlog.
var trap *net.TCPListener

func TestMain(m *testing.M) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	trap = l
	for _, v := range []string{"HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"} {
		_ = os.Setenv(v, "http://"+l.Addr().String())
	}
	for _, v := range []string{"NO_PROXY", "no_proxy"} {
		_ = os.Unsetenv(v)
	}
	goleak.VerifyTestMain(m)
}
