#!/bin/sh
# Builds the agent and the driver and measures llmtap beside its yardsticks.
# Arguments go to the driver: --quick, --rounds N, -o FILE, --only PHASE.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v nginx >/dev/null 2>&1 && [ ! -x /usr/sbin/nginx ]; then
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	$as_root apt-get install -y --no-install-recommends nginx-light >&2 || {
		$as_root apt-get update >&2
		$as_root apt-get install -y --no-install-recommends nginx-light >&2
	}
fi
PATH=$PATH:/usr/sbin

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
CGO_ENABLED=0 go build -o "$dir/llmtap" ./cmd/agent
go build -o "$dir/bench" ./test/bench
"$dir/bench" --agent "$dir/llmtap" "$@"
