#!/bin/sh
# Installs the JupyterHub that the hub tests run the agent beside, pinned, once:
# the hub and what a user's server needs (Python), and the hub's proxy (Node, of
# setup.sh). Prints what is where. Run it again at any time; what is there stays,
# and a changed pin installs anew.
#
#   LLMTAP_E2E_CACHE   where everything goes (<repo>/.cache/e2e)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${LLMTAP_E2E_CACHE:-$root/.cache/e2e}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
hub=$cache/hub

say() { printf 'setup-hub: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# Another run may be installing into the same cache: wait for it.
exec 7>"$cache/hub.lock"
if command -v flock >/dev/null 2>&1; then
	flock 7
fi

for program in python3 npm; do
	command -v "$program" >/dev/null 2>&1 || die "$program is missing: run test/e2e/setup.sh first"
done

want=$(cat "$here/hub/requirements.txt" "$here/hub/package.json" "$here/hub/package-lock.json" | cksum)
if [ "$(cat "$hub/.stamp" 2>/dev/null)" != "$want" ] || ! "$hub/bin/python" -c 'import jupyterhub' >/dev/null 2>&1; then
	say "installing JupyterHub and configurable-http-proxy"
	# The distribution's Python, which every user may run, if there is one: that
	# of PATH may live in somebody's HOME.
	for python in /usr/bin/python3 python3; do
		rm -rf "$hub"
		if "$python" -m venv "$hub" >/dev/null 2>&1; then
			break
		fi
	done
	[ -x "$hub/bin/pip" ] || die "python3 -m venv did not work: run test/e2e/setup.sh first"
	"$hub/bin/pip" install --quiet --disable-pip-version-check -r "$here/hub/requirements.txt" || die "pip install did not work"
	mkdir "$hub/proxy"
	cp "$here/hub/package.json" "$here/hub/package-lock.json" "$hub/proxy/"
	(cd "$hub/proxy" && npm ci --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error >&2) || die "npm ci did not work"
	printf '%s\n' "$want" >"$hub/.stamp"
fi

"$hub/bin/pip" list --disable-pip-version-check 2>/dev/null |
	awk '$1 ~ /^(jupyterhub|jupyter_server|ipykernel|openai)$/ { print "hub", $1, $2 }'
printf 'hub configurable-http-proxy %s\n' "$(sed -n 's/^ *"version": "\(.*\)".*/\1/p' "$hub/proxy/node_modules/configurable-http-proxy/package.json")"
