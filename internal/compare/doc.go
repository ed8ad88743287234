// Package compare looks at several records together, because some things no
// single call can show. Its Joiner folds wire attempts into the logical call
// that a user made:
//
//	attempt 1  500 ─┐ same client, target, path and body;
//	attempt 2  500 ─┼─► started within the retry window after
//	attempt 3  200 ─┘ an end that clients retry            = one logical call
//
// Its Window compares logical calls and says what fails only in one mode, with
// one client, version, deployment or way through the network:
//
//	S fails, P works, S fails ─► only streams fail here    (form A)
//	P works, S fails, P works ─► the same, if S weighs     (form B)
//
// Compare takes two calls and says what they differ in, and which smallest
// difference separates failing from working calls:
//
//	cause        what was asked: may explain
//	consequence  what came back: never explains
//	unknown      not seen on one side: is not absent
//
// It knows no clock: all times come from the records, so a replay of records
// gives the same answer as the live run.
package compare
