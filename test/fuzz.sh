#!/usr/bin/env bash
# Runs every fuzz target of the project for the given time each (default 30s).
set -euo pipefail
cd "$(dirname "$0")/.."
time="${1:-30s}"
failed=0
while read -r dir target; do
  echo "fuzz $dir $target $time"
  go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" || failed=1
done < <(grep -rhoE --include='*_test.go' -H '^func Fuzz[A-Za-z0-9_]+' capture cmd exporters internal |
  sed -E 's#^(.*)/[^/]+:func (Fuzz[A-Za-z0-9_]+)#\1 \2#' | sort -u)
exit "$failed"
