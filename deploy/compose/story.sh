#!/bin/sh
# Starts everything, plays the story of jupyter-ai#1208, prints where to look.
set -eu

cd "$(dirname "$0")"
docker compose up --detach --build --wait
LLMTAP_PROXY=$(docker compose exec -T agent /llmtap env --user story --format docker | sed -n 's/^HTTPS_PROXY=//p')
export LLMTAP_PROXY
docker compose run --rm story
docker compose exec -T agent /llmtap verdicts
cat <<'LINKS'

Why does it fail?   http://localhost:3000/d/llmtap-why
The spans           http://localhost:16686/search?service=llmtap
The metrics         http://localhost:9090/graph
LINKS
