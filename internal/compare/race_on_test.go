//go:build race

package compare_test

// noisyDays is less where every access to memory is watched.
const noisyDays = 100
