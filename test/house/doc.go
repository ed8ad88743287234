// Package house holds the tests of the project's own structure: which package
// may import which (arrows), and how large things may grow (yardstick).
package house
