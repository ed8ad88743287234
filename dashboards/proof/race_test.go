//go:build race

package proof_test

// raced: the race detector makes times say nothing.
const raced = true
