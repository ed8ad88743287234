package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"llmtap/internal/faultllm"
)

const nginxConf = `user root;
worker_processes auto;
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log warn;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	keepalive_timeout 1h;
	keepalive_requests 10000000;
	upstream llm {
		server %[3]s;
		keepalive 256;
		keepalive_requests 10000000;
		keepalive_timeout 1h;
	}
	server {
		listen %[2]s ssl;
		ssl_certificate %[4]s/nginx.crt;
		ssl_certificate_key %[4]s/nginx.key;
		ssl_protocols TLSv1.3;
		location / {
			proxy_pass https://llm;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host localhost;
			proxy_buffering off;
			proxy_ssl_trusted_certificate %[4]s/upstream.crt;
			proxy_ssl_verify on;
			proxy_ssl_server_name on;
			proxy_ssl_name localhost;
			proxy_ssl_protocols TLSv1.3;
			proxy_ssl_session_reuse on;
		}
	}
}
`

// startNginx runs nginx as TLS reverse proxy in front of the upstream.
func startNginx(ctx context.Context, dir, upstream string) (*process, string, error) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		return nil, "", fmt.Errorf("bench: find nginx: %w; install nginx-light", err)
	}
	cert, _, err := faultllm.SelfSigned(serverName, "127.0.0.1")
	if err != nil {
		return nil, "", err
	}
	if err := writeCert(dir, "nginx", cert); err != nil {
		return nil, "", err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	sub := filepath.Join(dir, "nginx")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		return nil, "", fmt.Errorf("bench: make directory: %w", err)
	}
	conf := filepath.Join(sub, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, sub, addr, upstream, dir), 0o600); err != nil {
		return nil, "", fmt.Errorf("bench: write configuration: %w", err)
	}
	p, err := spawn(sub, nil, binary, "-c", conf, "-p", sub, "-e", filepath.Join(sub, "error.log"))
	if err != nil {
		return nil, "", err
	}
	if err := accepting(ctx, addr); err != nil {
		return nil, "", errors.Join(fmt.Errorf("bench: start nginx: %w", err), p.stop())
	}
	return p, addr, nil
}

// freeAddress finds a port for a program that cannot choose one itself.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("bench: find a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// accepting waits until somebody listens on addr.
func accepting(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d := net.Dialer{}
	return until(ctx, func() bool {
		c, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}
