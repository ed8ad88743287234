// Package deploy holds the tests of what is in the folder deploy: that it
// names only flags, ports, paths and variables that exist, and that package
// and unit work. Containers are checked statically.
package deploy
