#!/bin/sh
# Installs JupyterLab with Jupyter AI in the versions of jupyter/pins.txt, each
# with the packages of its time, for the e2e tests that drive it through the agent.
# Prints what is where. Run it again at any time; what is there stays, and a
# changed pin installs anew.
#
#   LLMTAP_E2E_CACHE   where everything goes (<repo>/.cache/e2e)
#   LLMTAP_E2E_JOBS    how many are installed at the same time (3)
set -eu

uv_version=0.13.9
python_version=3.11

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${LLMTAP_E2E_CACHE:-$root/.cache/e2e}
mkdir -p "$cache/jupyter"
cache=$(cd "$cache" && pwd)
pins=$here/jupyter/pins.txt
uv=$cache/uv-$uv_version/bin/uv

say() { printf 'setup-jupyterai: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

install_uv() {
	if "$uv" --version >/dev/null 2>&1; then
		return
	fi
	command -v python3 >/dev/null 2>&1 || die "python3 is missing"
	say "installing uv $uv_version"
	rm -rf "$cache/uv-$uv_version"
	python3 -m venv "$cache/uv-$uv_version" || die "python3 -m venv did not work (Debian: python3-venv)"
	"$cache/uv-$uv_version/bin/pip" install --quiet --disable-pip-version-check "uv==$uv_version" || die "pip install uv did not work"
}

# install NAME BEFORE PACKAGE... makes one environment.
install() {
	name=$1
	before=$2
	shift 2
	dir=$cache/jupyter/$name
	want="$uv_version $python_version $before $*"
	if [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$want" ] && "$dir/bin/python" -c 'import jupyterlab' >/dev/null 2>&1; then
		return
	fi
	say "installing Jupyter AI $name"
	rm -rf "$dir"
	"$uv" venv --quiet --python "$python_version" "$dir" || die "no Python $python_version for Jupyter AI $name"
	"$uv" pip install --quiet --python "$dir/bin/python" --exclude-newer "$before" "$@" ||
		die "installing Jupyter AI $name did not work"
	printf '%s\n' "$want" >"$dir/.stamp"
}

if [ "${1-}" = --one ]; then
	shift
	# shellcheck disable=SC2086
	install $1
	exit
fi

# Another run may be installing into the same cache: wait for it.
exec 7>"$cache/jupyter.lock"
if command -v flock >/dev/null 2>&1; then
	flock 7
fi

install_uv
grep -v '^#' "$pins" | tr '\n' '\0' | xargs -0 -n 1 -P "${LLMTAP_E2E_JOBS:-3}" "$0" --one ||
	die "not all versions could be installed"

for dir in "$cache"/jupyter/*/; do
	"$uv" pip list --python "$dir/bin/python" 2>/dev/null |
		awk -v venv="$(basename "$dir")" '$1 ~ /^(jupyter-ai|jupyter-ai-magics|jupyterlab|langchain-core|langchain-openai|litellm|openai)$/ { print "jupyter", venv, $1, $2 }'
done
