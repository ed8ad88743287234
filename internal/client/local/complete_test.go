//go:build linux

package local_test

import (
	"net/netip"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/client/local"
)

// TestComplete: what a process adds to what the wire said.
func TestComplete(t *testing.T) {
	const server, kernel, script = "/opt/bin/jupyter-lab", "ipykernel_launcher", "/home/ada/app.py"
	azure := call.Client{Kind: call.ClientFramework, Name: "langchain", Rule: "ua-lc-azure", SDK: "openai-python", SDKVersion: "2.8.1"}
	product := func(framework string) call.Client {
		return call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Rule: "jai-chat-2", Surface: "chat", Framework: framework}
	}
	retrieval := call.Client{Kind: call.ClientFramework, Name: "langchain", Rule: "rag-stuff", SDK: "openai-python", SDKVersion: "2.8.1"}
	for _, c := range []struct {
		name, runs string
		installed  []string
		wire       call.Client
		want       [4]string // name, version, framework, surface
	}{
		{"chat", server, []string{"jupyter_ai-2.31.7", "jupyter_ai_magics-2.31.6", "langchain-0.3.0"}, product(""), [4]string{"jupyter-ai", "2.31.7", "langchain", "chat"}},
		{"chat, framework on the wire", server, []string{"jupyter_ai-2.31.7", "litellm-1.0.0"}, product("langchain"), [4]string{"jupyter-ai", "2.31.7", "langchain", "chat"}},
		{"chat of 3", server, []string{"jupyter_ai-3.2.0", "litellm-1.99.4", "langchain-1.0.0"}, product(""), [4]string{"jupyter-ai", "3.2.0", "litellm", "chat"}},
		{"chat, framework not installed", server, []string{"jupyter_ai-2.31.7"}, product(""), [4]string{"jupyter-ai", "2.31.7", "", "chat"}},
		{"chat, nothing installed", server, nil, product(""), [4]string{"jupyter-ai", "", "", "chat"}},
		{"magic", kernel, []string{"jupyter_ai_magics-2.31.6"}, product("langchain"), [4]string{"jupyter-ai", "2.31.6", "langchain", "chat"}},
		{"magic, the product only", kernel, []string{"jupyter_ai-2.31.7"}, product("langchain"), [4]string{"jupyter-ai", "2.31.7", "langchain", "chat"}},
		{"the magics alone make no server", server, []string{"jupyter_ai_magics-2.31.6"}, product(""), [4]string{"jupyter-ai", "", "", "chat"}},
		{"langchain", script, []string{"langchain_openai-0.3.35", "langchain-0.3.27"}, azure, [4]string{"langchain", "0.3.35", "", ""}},
		{"langchain before its own package", script, []string{"langchain-0.0.350"}, azure, [4]string{"langchain", "0.0.350", "", ""}},
		{"llama-index", script, []string{"llama_index_core-0.14.1", "llama_index-0.14.0"}, call.Client{Name: "llama-index", Rule: "sdk-llamaindex"}, [4]string{"llama-index", "0.14.1", "", ""}},
		{"litellm", script, []string{"litellm-1.99.4"}, call.Client{Name: "litellm", Rule: "sdk-litellm"}, [4]string{"litellm", "1.99.4", "", ""}},
		{"the wire's version stays", script, []string{"litellm-1.99.4"}, call.Client{Name: "litellm", Version: "1.106.2", Rule: "ua-litellm"}, [4]string{"litellm", "1.106.2", "", ""}},
		{"an SDK is not replaced", script, []string{"langchain_openai-0.3.35", "openai-9.9.9"}, call.Client{Name: "openai-python", Version: "2.8.1"}, [4]string{"openai-python", "2.8.1", "", ""}},
		{"unknown stays unknown", script, []string{"openai-9.9.9"}, call.Client{Name: "unknown", Rule: "none"}, [4]string{"unknown", "", "", ""}},
		{"/ask", server, []string{"jupyter_ai-2.31.7", "langchain_openai-0.3.35"}, retrieval, [4]string{"jupyter-ai", "2.31.7", "langchain", "ask"}},
		{"retrieval in a kernel", kernel, []string{"jupyter_ai-2.31.7", "langchain_openai-0.3.35"}, retrieval, [4]string{"langchain", "0.3.35", "", ""}},
		{"retrieval in a server without the product", server, []string{"langchain_openai-0.3.35"}, retrieval, [4]string{"langchain", "0.3.35", "", ""}},
		{"another prompt in the server", server, []string{"jupyter_ai-2.31.7", "langchain_openai-0.3.35"}, azure, [4]string{"langchain", "0.3.35", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			exe, _ := h.base(c.installed...)
			argv, name := []string{exe, c.runs}, "python"
			switch c.runs {
			case kernel:
				argv, name = []string{exe, "-m", kernel}, kernel
			case server:
				name = "jupyter-lab"
			}
			h.run(proto{pid: 7, exe: exe, argv: argv, start: 5000, sockets: []uint64{h.open(5000, 1000)}})
			f := h.finder()
			found(t, f, 5000)
			s := f.Start(netip.MustParseAddrPort("127.0.0.1:5000"), netip.MustParseAddrPort("127.0.0.1:4141"))
			eventually(t, func() bool { _, err := s.Result(); return err == nil })
			got := c.wire
			s.Complete(&got)
			if have := [4]string{got.Name, got.Version, got.Framework, got.Surface}; have != c.want {
				t.Errorf("got %q, want %q", have, c.want)
			}
			if got.Process != (call.Process{PID: 7, Name: name}) {
				t.Errorf("process %+v, want 7 %s", got.Process, name)
			}
			if got.Kind != c.wire.Kind || got.Rule != c.wire.Rule || got.SDK != c.wire.SDK || got.SDKVersion != c.wire.SDKVersion || got.User != "" {
				t.Errorf("more was changed: %+v", got)
			}
		})
	}
}

// TestCompleteWithoutAnAnswer leaves all but the reason alone.
func TestCompleteWithoutAnAnswer(t *testing.T) {
	h := newHost(t)
	h.open(5000, 1000)
	f := h.finder()
	ask := func(client string) *local.Search {
		s := f.Start(netip.MustParseAddrPort(client), netip.MustParseAddrPort("127.0.0.1:4141"))
		eventually(t, func() bool { _, err := s.Result(); return local.Reason(err) != "pending" })
		return s
	}
	for name, c := range map[string]struct {
		search *local.Search
		reason string
	}{
		"nobody asked":  {nil, ""},
		"not over":      {new(local.Search), "pending"},
		"far away":      {ask("192.0.2.1:1"), ""},
		"not permitted": {ask("127.0.0.1:5000"), "not_permitted"},
		"gone":          {ask("127.0.0.1:5001"), "gone"},
	} {
		want := call.Client{Name: "jupyter-ai", Rule: "rag-stuff"}
		got := want
		c.search.Complete(&got)
		want.Process.Reason = c.reason
		if got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestReasons(t *testing.T) {
	for err, want := range map[error]string{
		nil: "", local.ErrNotLocal: "", local.ErrNotPermitted: "not_permitted", local.ErrGone: "gone", local.ErrBusy: "busy",
		local.ErrPending: "pending", local.ErrNotAvailable: "not_available",
	} {
		if got := local.Reason(err); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
