#!/usr/bin/env bash
# Runs the tests of the packages named, as `go test -race` does, and lists what
# was skipped. On CI a skip that test/skips.txt does not name is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
log=.cache/log/unit
mkdir -p .cache/log
status=0
"${GOTESTSUM:-gotestsum}" --format standard-quiet --hide-summary skipped --jsonfile $log.json -- -race -timeout 20m "$@" 2>&1 | tee $log.log || status=$?
sed -nE 's/.*"Action":"skip","Package":"([^"]+)","Test":"([^"]+)".*/\1 \2/p' $log.json | sort -u >$log.skipped
unknown=$(grep -vxFf <(sed 's/ *#.*//' test/skips.txt) $log.skipped || true)
[ -n "$unknown" ] || exit "$status"
echo "skipped, and test/skips.txt does not say why:"
echo "$unknown"
[ "${CI:-}" != true ] && exit "$status"
exit 1
