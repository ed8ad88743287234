#!/bin/sh
# The calls of jupyter-ai#1208: a gateway that answers streams with 500 and
# plain calls well. LLMTAP_PROXY is the proxy's address with a user's token,
# LLM the service.
set -eu

: "${LLMTAP_PROXY:?is not set: llmtap env --user NAME prints it}"
llm=${LLM:-http://127.0.0.1:4199}
url=$llm/openai/deployments/stream-500-apim/chat/completions?api-version=2024-10-21

ask() { # NAME STREAM WANT
	status=$(curl --silent --output /dev/null --write-out '%{http_code}' --noproxy '' --proxy "$LLMTAP_PROXY" \
		--header 'Content-Type: application/json' --header 'api-key: story' \
		--data "{\"stream\":$2,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}" "$url") || true
	echo "$1: $status"
	[ "$status" = "$3" ] || { echo "want $3" >&2; exit 1; }
}
curl --silent --output /dev/null --noproxy '*' --retry 30 --retry-delay 1 --retry-connrefused "$llm/scenarios"
ask plain false 200
ask stream true 500
ask stream true 500
ask plain false 200
