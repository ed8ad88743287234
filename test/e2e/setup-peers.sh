#!/bin/sh
# Installs the programs that the peers tests run the agent against, pinned, once:
# Prometheus and promtool (from the distribution), Jaeger all-in-one, h2spec.
# Prints what is where. Run it again at any time; what is there stays.
#
#   LLMTAP_E2E_CACHE   where the built binaries are kept (<repo>/.cache/e2e)
set -eu

jaeger_version=v1.76.0
h2spec_version=v2.2.1+incompatible

root=$(cd "$(dirname "$0")/../.." && pwd)
cache=${LLMTAP_E2E_CACHE:-$root/.cache/e2e}
bin=$cache/bin
mkdir -p "$bin"

say() { printf 'setup-peers: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# Another run may be installing into the same cache: wait for it.
exec 9>"$cache/peers.lock"
if command -v flock >/dev/null 2>&1; then
	flock 9
fi

install_prometheus() {
	if command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1; then
		return
	fi
	command -v apt-get >/dev/null 2>&1 || die "prometheus and promtool are missing and there is no apt-get; put both on PATH"
	say "installing prometheus and promtool"
	export DEBIAN_FRONTEND=noninteractive
	# The package may start a service by itself; the tests never use it.
	wait='-o DPkg::Lock::Timeout=300'
	# shellcheck disable=SC2086
	apt-get $wait install -y -qq --no-install-recommends prometheus >"$cache/apt.log" 2>&1 || {
		apt-get $wait update -qq >>"$cache/apt.log" 2>&1 || true
		apt-get $wait install -y -qq --no-install-recommends prometheus >>"$cache/apt.log" 2>&1 ||
			die "apt-get install prometheus did not work (as root?); see $cache/apt.log"
	}
}

# The module carries a replace line, so that plain `go install` refuses it; its
# own go.mod and go.sum make a tools module that builds it.
install_jaeger() {
	want=$bin/jaeger-all-in-one-$jaeger_version
	if [ -x "$want" ]; then
		return
	fi
	say "building jaeger $jaeger_version (some minutes, once)"
	module=github.com/jaegertracing/jaeger
	tools=$cache/jaeger-tools
	rm -rf "$tools"
	mkdir -p "$tools"
	(
		cd "$tools"
		GOWORK=off GOFLAGS='' go mod download "$module@$jaeger_version"
		source=$(go env GOMODCACHE)/$module@$jaeger_version
		sed 's#^module .*#module example.test/tools/jaeger#' "$source/go.mod" >go.mod
		cp "$source/go.sum" go.sum
		chmod u+w go.mod go.sum
		go mod edit "-require=$module@$jaeger_version" "-tool=$module/cmd/all-in-one"
		GOWORK=off CGO_ENABLED=0 go build -trimpath -mod=mod -o "$want.new" "$module/cmd/all-in-one"
	) || die "building jaeger did not work"
	mv "$want.new" "$want"
	rm -rf "$tools"
}

# It has no go.mod of its own; its dependencies are pinned here.
install_h2spec() {
	want=$bin/h2spec-${h2spec_version%+*}
	if [ -x "$want" ]; then
		return
	fi
	say "building h2spec ${h2spec_version%+*}"
	module=github.com/summerwind/h2spec
	tools=$cache/h2spec-tools
	rm -rf "$tools"
	mkdir -p "$tools"
	(
		cd "$tools"
		export GOWORK=off
		go mod init example.test/tools/h2spec 2>/dev/null
		go mod edit "-require=$module@$h2spec_version" -require=golang.org/x/net@v0.62.0 \
			-require=github.com/spf13/cobra@v1.10.2 -require=github.com/fatih/color@v1.19.0 "-tool=$module/cmd/h2spec"
		CGO_ENABLED=0 go build -trimpath -mod=mod -ldflags "-X main.VERSION=${h2spec_version%+*}" -o "$want.new" "$module/cmd/h2spec"
	) || die "building h2spec did not work"
	mv "$want.new" "$want"
	rm -rf "$tools"
}

link() { ln -sf "$1" "$bin/$2"; }

install_prometheus
link "$(command -v prometheus)" prometheus
link "$(command -v promtool)" promtool
install_h2spec
link "h2spec-${h2spec_version%+*}" h2spec
install_jaeger
link "jaeger-all-in-one-$jaeger_version" jaeger-all-in-one

"$bin/prometheus" --version 2>&1 | head -n 1
"$bin/promtool" --version 2>&1 | head -n 1
"$bin/h2spec" --version 2>&1 | head -n 1
printf 'jaeger-all-in-one %s\n' "$jaeger_version"
