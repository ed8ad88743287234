//go:build !race

package compare_test

// noisyDays is how many days the noise tests draw.
const noisyDays = 1000
