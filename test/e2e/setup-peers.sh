#!/bin/sh
# Installs the programs that the peers tests run the agent against, pinned, once:
# Prometheus, promtool and Alertmanager (from the distribution), promtool of the
# 3.x line, Jaeger all-in-one, h2spec, Chromium with playwright-core and axe-core.
# Prints what is where. Run it again at any time; what is there stays.
#
#   LLMTAP_E2E_CACHE   where the built binaries are kept (<repo>/.cache/e2e)
set -eu

jaeger_version=v1.76.0
h2spec_version=v2.2.1+incompatible
promtool_version=v0.316.0 # of Prometheus 3.16

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
	missing=
	for program in prometheus promtool prometheus-alertmanager amtool; do
		command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
	done
	if [ -z "$missing" ]; then
		return
	fi
	command -v apt-get >/dev/null 2>&1 || die "missing:$missing, and there is no apt-get; put them on PATH"
	say "installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	# The packages may start services by themselves; the tests never use them.
	wait='-o DPkg::Lock::Timeout=300'
	# shellcheck disable=SC2086
	apt-get $wait install -y -qq --no-install-recommends prometheus prometheus-alertmanager >"$cache/apt.log" 2>&1 || {
		apt-get $wait update -qq >>"$cache/apt.log" 2>&1 || true
		apt-get $wait install -y -qq --no-install-recommends prometheus prometheus-alertmanager >>"$cache/apt.log" 2>&1 ||
			die "apt-get install prometheus did not work (as root?); see $cache/apt.log"
	}
}

# The tag leaves out service discovery, without which it builds.
install_promtool() {
	want=$bin/promtool-$promtool_version
	if [ -x "$want" ]; then
		return
	fi
	say "building promtool $promtool_version (some minutes, once)"
	GOWORK=off GOFLAGS='' GOBIN=$cache/promtool-new CGO_ENABLED=0 go install -trimpath -tags remove_all_sd \
		"github.com/prometheus/prometheus/cmd/promtool@$promtool_version" || die "building promtool did not work"
	mv "$cache/promtool-new/promtool" "$want"
	rmdir "$cache/promtool-new"
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

# Chromium with a font (from the distribution), and what drives it.
install_browser() {
	missing=
	for program in chromium npm; do
		command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
	done
	if [ -n "$missing" ]; then
		command -v apt-get >/dev/null 2>&1 || die "missing:$missing, and there is no apt-get; put them on PATH"
		say "installing$missing"
		export DEBIAN_FRONTEND=noninteractive
		wait='-o DPkg::Lock::Timeout=300'
		# shellcheck disable=SC2086
		apt-get $wait install -y -qq --no-install-recommends $missing fonts-dejavu-core >"$cache/apt-browser.log" 2>&1 || {
			apt-get $wait update -qq >>"$cache/apt-browser.log" 2>&1 || true
			apt-get $wait install -y -qq --no-install-recommends $missing fonts-dejavu-core >>"$cache/apt-browser.log" 2>&1 ||
				die "apt-get install$missing did not work (as root?); see $cache/apt-browser.log"
		}
	fi
	pins=$root/test/e2e/browser
	want=$(cat "$pins/package.json" "$pins/package-lock.json" | cksum)
	if [ "$(cat "$cache/browser/.stamp" 2>/dev/null)" = "$want" ]; then
		return
	fi
	say "installing playwright-core and axe-core"
	rm -rf "$cache/browser"
	mkdir -p "$cache/browser"
	cp "$pins/package.json" "$pins/package-lock.json" "$cache/browser/"
	(cd "$cache/browser" && npm ci --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error >&2) || die "npm ci did not work"
	printf '%s\n' "$want" >"$cache/browser/.stamp"
}

link() { ln -sf "$1" "$bin/$2"; }

install_prometheus
link "$(command -v prometheus)" prometheus
link "$(command -v promtool)" promtool
link "$(command -v prometheus-alertmanager)" alertmanager
link "$(command -v amtool)" amtool
install_promtool
link "promtool-$promtool_version" promtool-3
install_h2spec
link "h2spec-${h2spec_version%+*}" h2spec
install_jaeger
link "jaeger-all-in-one-$jaeger_version" jaeger-all-in-one
install_browser
link "$(command -v chromium)" chromium
link "$(command -v node)" node

"$bin/prometheus" --version 2>&1 | head -n 1
"$bin/promtool" --version 2>&1 | head -n 1
printf 'promtool-3 %s\n' "$promtool_version"
"$bin/alertmanager" --version 2>&1 | head -n 1
"$bin/h2spec" --version 2>&1 | head -n 1
printf 'jaeger-all-in-one %s\n' "$jaeger_version"
"$bin/chromium" --version 2>/dev/null | head -n 1
