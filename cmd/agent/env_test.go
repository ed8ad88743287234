package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// odd is a state directory that every quoting must survive.
const odd = `/home/o'brien/my "state" $HOME %h \n`

func TestEnvFormats(t *testing.T) {
	for _, format := range []string{"sh", "fish", "json", "systemd", "docker"} {
		for name, dir := range map[string]string{"usual": "/home/ada/.local/state/llmtap", "odd": odd} {
			var b bytes.Buffer
			if err := writeEnv(&b, format, clientEnv("http://127.0.0.1:4141", dir, clientHosts{})); err != nil {
				t.Fatal(err)
			}
			golden(t, "golden/env-"+format+"-"+name+".txt", b.String())
		}
	}
}

// TestShellReadsBackWhatWasQuoted: the golden text is right by the shell's own
// judgement.
func TestShellReadsBackWhatWasQuoted(t *testing.T) {
	var b bytes.Buffer
	if err := writeEnv(&b, "sh", clientEnv("http://127.0.0.1:4141", odd, clientHosts{})); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", b.String()+"\nprintf %s \"$NODE_EXTRA_CA_CERTS\"")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nowhere"}
	out, err := cmd.Output()
	if want := filepath.Join(odd, "ca", "ca.crt"); err != nil || string(out) != want {
		t.Errorf("sh reads %q, want %q (%v)", out, want, err)
	}
	b.Reset()
	if err := writeEnv(&b, "json", clientEnv("http://127.0.0.1:4141", odd, clientHosts{})); err != nil {
		t.Fatal(err)
	}
	var m map[string]string
	if err := json.Unmarshal(b.Bytes(), &m); err != nil || m["SSL_CERT_FILE"] != filepath.Join(odd, "ca", "bundle.crt") {
		t.Errorf("json reads %q (%v)", m["SSL_CERT_FILE"], err)
	}
}

// TestClientEnvironment: the list of the guide for clients, nothing missing.
func TestClientEnvironment(t *testing.T) {
	names := func(h clientHosts) string {
		var out []string
		for _, v := range clientEnv("http://127.0.0.1:4141", "/s", h) {
			out = append(out, v.name)
		}
		return strings.Join(out, " ")
	}
	const proxy, trust = "HTTPS_PROXY https_proxy NO_PROXY no_proxy NODE_USE_ENV_PROXY",
		"SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE AWS_CA_BUNDLE GRPC_DEFAULT_SSL_ROOTS_FILE_PATH NODE_EXTRA_CA_CERTS"
	for name, tc := range map[string]struct {
		h    clientHosts
		want string
	}{
		"usual":                      {clientHosts{}, proxy + " " + trust},
		"a plain endpoint":           {clientHosts{plainHTTP: true}, proxy + " HTTP_PROXY http_proxy " + trust},
		"tunnel only":                {clientHosts{noTrust: true}, proxy},
		"tunnel only, plain as well": {clientHosts{noTrust: true, plainHTTP: true}, proxy + " HTTP_PROXY http_proxy"},
	} {
		if got := names(tc.h); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tc.want)
		}
	}
	for _, v := range clientEnv("http://127.0.0.1:4141", "/s", clientHosts{}) {
		replaces := strings.Contains(trust, v.name) && v.name != "NODE_EXTRA_CA_CERTS"
		if replaces && v.value != "/s/ca/bundle.crt" || v.name == "NODE_EXTRA_CA_CERTS" && v.value != "/s/ca/ca.crt" {
			t.Errorf("%s = %s", v.name, v.value)
		}
	}
}

func TestNoProxy(t *testing.T) {
	for name, tc := range map[string]struct {
		list  string
		hosts []string
		want  string
	}{
		"nothing to proxy":      {"localhost,127.0.0.1,::1", nil, "localhost,127.0.0.1,::1"},
		"the host itself":       {"localhost,127.0.0.1", []string{"localhost"}, "127.0.0.1"},
		"case":                  {"LocalHost,a.example", []string{"LOCALHOST"}, "a.example"},
		"blanks and holes":      {" a.example , ,b.example,", []string{"b.example"}, "a.example"},
		"domain above":          {".example.org,other.org", []string{"llm.example.org"}, "other.org"},
		"domain without dot":    {"example.org,other.org", []string{"llm.example.org"}, "other.org"},
		"domain with star":      {"*.example.org,other.org", []string{"llm.example.org"}, "other.org"},
		"similar name stays":    {"ample.org,notexample.org", []string{"example.org"}, "ample.org,notexample.org"},
		"name below stays":      {"sub.llm.example.org", []string{"llm.example.org"}, "sub.llm.example.org"},
		"star":                  {"*", []string{"a.example"}, ""},
		"star, nothing proxied": {"*", nil, "*"},
		"with port":             {"localhost:4199,a.example:80", []string{"localhost"}, "a.example:80"},
		"network":               {"10.0.0.0/8,192.168.0.0/16", []string{"10.1.2.3"}, "192.168.0.0/16"},
		"address is no domain":  {"0.0.1,3.0.0.1", []string{"127.0.0.1"}, "0.0.1,3.0.0.1"},
		"ipv6":                  {"::1,fe80::/10", []string{"::1"}, "fe80::/10"},
		"ipv6 in brackets":      {"[::1],[::1]:443,a.example", []string{"::1"}, "a.example"},
		"several hosts":         {"a.example,b.example,c.example", []string{"a.example", "c.example"}, "b.example"},
		"network is not a name": {"10.0.0.0/8", []string{"llm.example.org"}, "10.0.0.0/8"},
	} {
		if got := withoutHosts(tc.list, tc.hosts); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for name, tc := range map[string]struct {
		v    vars
		want string
	}{
		"none":               {vars{}, ""},
		"azure":              {vars{"AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com/"}, "x.openai.azure.com:443"},
		"base url with path": {vars{"OPENAI_BASE_URL": "https://llm.example.org:8443/v1"}, "llm.example.org:8443"},
		"plain http":         {vars{"OPENAI_API_BASE": "http://gw.example.org/v1"}, "gw.example.org:80 plain"},
		"ollama, bare":       {vars{"OLLAMA_HOST": "gpu.example.org"}, "gpu.example.org:11434 plain"},
		"ollama, with port":  {vars{"OLLAMA_HOST": "127.0.0.1:9999"}, "127.0.0.1:9999 plain"},
		"ipv6":               {vars{"OPENAI_BASE_URL": "https://[::1]:8443/v1"}, "::1:8443"},
		"no url":             {vars{"OPENAI_BASE_URL": "llm.example.org/v1", "ANTHROPIC_BASE_URL": "ftp://x", "OPENAI_API_BASE": ":"}, ""},
		"blanks":             {vars{"OPENAI_BASE_URL": "  https://llm.example.org/v1\n"}, "llm.example.org:443"},
		"two":                {vars{"OPENAI_BASE_URL": "https://b.example", "AZURE_OPENAI_ENDPOINT": "https://a.example"}, "a.example:443,b.example:443"},
		"user in the url":    {vars{"OPENAI_BASE_URL": "https://u:p@llm.example.org"}, "llm.example.org:443"},
	} {
		var got []string
		for _, e := range endpoints(func(n string) string { return tc.v[n] }) {
			text := e.host + ":" + e.port
			if e.plain {
				text += " plain"
			}
			got = append(got, text)
		}
		if s := strings.Join(got, ","); s != tc.want {
			t.Errorf("%s: got %q, want %q", name, s, tc.want)
		}
	}
}

func TestEveryEndpointVariableIsRead(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range endpointVariables() {
		name := v.name
		got := endpoints(func(n string) string { return map[bool]string{true: "https://llm.example.org"}[n == name] })
		if len(got) != 1 || got[0].variable != name || seen[name] {
			t.Errorf("%s: got %v (twice: %v)", name, got, seen[name])
		}
		seen[name] = true
	}
}

func TestPrivateEndpoints(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "localhost": true, "10.1.2.3": true, "192.168.1.1": true, "fd00::1": true, "::1": true, "169.254.1.1": true,
		"1.1.1.1": false, "2606:4700::1111": false, "name.invalid": false,
	} {
		if got := (endpoint{host: host}).private(); got != want {
			t.Errorf("%s: got %v, want %v", host, got, want)
		}
	}
}

func TestEnvOfARunningAgent(t *testing.T) {
	dir := shortDir(t)
	_, info := agentOn(t, dir)
	r := llmtap(t, vars{"NO_PROXY": "corp.example"}, "env", "--state-dir", dir)
	r.wants(t, exitOK, "export HTTPS_PROXY='"+info.Proxy+"'", "export SSL_CERT_FILE='"+filepath.Join(dir, "ca", "bundle.crt")+"'", "export NO_PROXY='corp.example'")
	llmtap(t, vars{"no_proxy": "low.example"}, "env", "--state-dir", dir).wants(t, exitOK, "export NO_PROXY='low.example'")
	llmtap(t, vars{"LLMTAP_STATE_DIR": dir}, "env", "--format", "json").wants(t, exitOK, `"HTTPS_PROXY": "`+info.Proxy+`"`)
	llmtap(t, vars{}, "env", "--state-dir", shortDir(t)).wants(t, exitFailed, "no agent runs in", "llmtap run")
}
