// Package compare looks at several records together, because some things no
// single call can show. Its Joiner folds wire attempts into the logical call
// that a user made:
//
//	attempt 1  500 ─┐ same client, target, path and body;
//	attempt 2  500 ─┼─► started within the retry window after
//	attempt 3  200 ─┘ an end that clients retry            = one logical call
//
// It knows no clock: all times come from the records, so a replay of records
// gives the same answer as the live run.
package compare
