// Package e2e runs the built command with other people's programs: the clients
// that setup.sh installs (openai-python, langchain-openai, openai-node,
// openai-go, curl, and the SDKs of the other dialects), the peers of
// setup-peers.sh, the versions of Jupyter AI of setup-jupyterai.sh and the
// JupyterHub of setup-hub.sh. Its tests carry the build tag e2e:
//
//	test/e2e/setup.sh && go test -tags e2e ./test/e2e
//
// A client's call goes to a name on the internet, and a proxy of the test maps
// every name to the fault service in this process. So the direct way and the way
// through the agent differ in the agent alone:
//
//	direct    client ─────────────► map proxy ─► fault service
//	through   client ─► llmtap run ─► map proxy ─► fault service
package e2e
