#!/bin/sh
# Installs the client libraries that the e2e tests drive through the agent, pinned,
# once, each from its ordinary registry. Prints what is where. Run it again at any
# time; what is there stays, and a changed pin installs anew.
#
#   LLMTAP_E2E_CACHE   where everything goes (<repo>/.cache/e2e)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${LLMTAP_E2E_CACHE:-$root/.cache/e2e}
mkdir -p "$cache/bin"
cache=$(cd "$cache" && pwd)

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# Another run may be installing into the same cache: wait for it.
exec 8>"$cache/clients.lock"
if command -v flock >/dev/null 2>&1; then
	flock 8
fi

apt_install() {
	command -v apt-get >/dev/null 2>&1 || die "$* missing and there is no apt-get; install it by hand"
	say "installing $*"
	wait='-o DPkg::Lock::Timeout=300'
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get $wait install -y -qq --no-install-recommends "$@" >>"$cache/apt-clients.log" 2>&1 || {
		apt-get $wait update -qq >>"$cache/apt-clients.log" 2>&1 || true
		# shellcheck disable=SC2086
		DEBIAN_FRONTEND=noninteractive apt-get $wait install -y -qq --no-install-recommends "$@" >>"$cache/apt-clients.log" 2>&1 ||
			die "apt-get install $* did not work (as root?); see $cache/apt-clients.log"
	}
}

# stamped DIR FILE... is true if DIR was finished from exactly these files.
stamp_of() { cat "$@" | cksum; }
stamped() { [ -f "$1/.stamp" ] && [ "$(cat "$1/.stamp")" = "$2" ]; }

# venv NAME MODULE makes a virtual environment with what clients/NAME.txt pins;
# MODULE can be imported from it.
venv() {
	dir=$cache/$1
	want=$(stamp_of "$here/clients/$1.txt")
	if stamped "$dir" "$want" && "$dir/bin/python" -c "import $2" >/dev/null 2>&1; then
		return
	fi
	say "installing $1"
	rm -rf "$dir"
	python3 -m venv "$dir" >/dev/null 2>&1 || {
		rm -rf "$dir"
		apt_install python3-venv
		python3 -m venv "$dir"
	}
	"$dir/bin/pip" install --quiet --disable-pip-version-check -r "$here/clients/$1.txt" || die "pip install for $1 did not work"
	printf '%s\n' "$want" >"$dir/.stamp"
}

# The scripts are copied beside node_modules, because that is where Node looks.
node_clients() {
	dir=$cache/node
	want=$(stamp_of "$here/clients/node/package.json" "$here/clients/node/package-lock.json")
	if stamped "$dir" "$want"; then
		return
	fi
	say "installing node and its packages"
	rm -rf "$dir"
	mkdir -p "$dir"
	cp "$here/clients/node/package.json" "$here/clients/node/package-lock.json" "$dir/"
	(cd "$dir" && npm ci --ignore-scripts=false --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error >&2) || die "npm ci did not work"
	printf '%s\n' "$want" >"$dir/.stamp"
}

go_client() {
	say "building the openai-go client"
	(cd "$here/clients/go" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 go build -trimpath -o "$cache/bin/openai-go-client" .) ||
		die "building the openai-go client did not work"
}

command -v python3 >/dev/null 2>&1 || apt_install python3 python3-venv
command -v curl >/dev/null 2>&1 || apt_install curl
command -v npm >/dev/null 2>&1 || apt_install nodejs npm
command -v go >/dev/null 2>&1 || die "go is missing"

venv python-new openai
venv python-old openai
venv python-sdks anthropic
node_clients
go_client

"$cache/python-new/bin/python" --version
for name in python-new python-old python-sdks; do
	"$cache/$name/bin/pip" list --disable-pip-version-check 2>/dev/null |
		awk -v venv="$name" '$1 ~ /^(anthropic|boto3|cohere|google-genai|httpx|httpx2|langchain-core|langchain-openai|litellm|mistralai|ollama|openai)$/ { print venv, $1, $2 }'
done
printf 'node %s\n' "$("$cache/node/node_modules/.bin/node" --version)"
for name in openai @anthropic-ai/sdk @google/genai @langchain/openai ai @ai-sdk/openai; do
	printf 'node %s %s\n' "$name" "$(sed -n 's/^ *"version": "\(.*\)".*/\1/p' "$cache/node/node_modules/$name/package.json")"
done
curl --version | head -n 1
(cd "$here/clients/go" && go list -m github.com/openai/openai-go/v3)
