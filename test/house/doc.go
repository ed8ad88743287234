// Package house holds the tests of the project's own structure: which package
// may import which (arrows), how large things may grow (yardstick), and that
// rules, runbooks and provisioning say what the code does.
package house
