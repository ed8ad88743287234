#!/bin/sh
# Writes the objects that are made of dashboards/: rules and dashboards for
# the Prometheus operator and Grafana's sidecar. Usage: generate.sh [FOLDER]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${1:-$here/overlays/monitoring}
note='# Made by deploy/kubernetes/generate.sh of the folder dashboards. Do not edit.'

{
	printf '%s\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: llmtap\nspec:\n  groups:\n' "$note"
	for file in "$top"/dashboards/rules/*.yaml; do
		sed '1,/^groups:$/d; s/^\(.\)/  \1/' "$file"
	done
} > "$out/rules.yaml"

{
	printf '%s\n' "$note"
	for file in "$top"/dashboards/json/*.json; do
		name=$(basename "$file" .json)
		printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s-dashboard\n' "$name"
		printf '  labels: {grafana_dashboard: "1"}\n  annotations: {grafana_folder: LLM calls}\ndata:\n  %s.json: |\n' "$name"
		sed 's/^\(.\)/    \1/' "$file"
	done
} > "$out/dashboards.yaml"
