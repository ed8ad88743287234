//go:build race

package relay_test

// raceDetector makes pools forget at random, so that allocations say nothing.
const raceDetector = true
