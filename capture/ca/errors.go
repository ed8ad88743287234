package ca

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of errors; compare with errors.Is. Those of Open and Rotate that are
// about the files come as *Error.
var (
	// ErrUnsafeKey: somebody else may have read or replaced the key.
	ErrUnsafeKey = errors.New("unsafe authority key")
	// ErrDamaged: the files are incomplete, unreadable, do not fit together or
	// are no constrained authority.
	ErrDamaged = errors.New("damaged authority")
	// ErrExpired is the kind of ErrDamaged that time brings; Leaf returns it
	// when the authority expired while the agent ran.
	ErrExpired error = expired{}
	// ErrNotPermitted: the name is outside the constraints of the authority.
	ErrNotPermitted = errors.New("name outside the constraints of the authority")
)

// expired is an error of its own text that is ErrDamaged as well.
type expired struct{}

// Error names the condition; the sentence around it says since when.
func (expired) Error() string { return "expired authority" }

// Unwrap makes it a kind of ErrDamaged.
func (expired) Unwrap() error { return ErrDamaged }

// errAbsent: the directory holds neither key nor certificate.
var errAbsent = errors.New("no authority yet")

// Error says what is wrong with a file of the authority and what mends it.
type Error struct {
	// Kind is ErrUnsafeKey, ErrDamaged or ErrExpired.
	Kind error
	// Path is the file that shows the problem.
	Path string
	// Problem is what was found, Remedy a sentence with the command that helps.
	Problem string
	Remedy  string
	// Err is the cause below, if any.
	Err error
}

// Error joins path, problem, cause and remedy to one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ca: %s: %s", e.Path, e.Problem)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Remedy != "" {
		fmt.Fprintf(&b, "; %s", e.Remedy)
	}
	return b.String()
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// rotateRemedy mends everything whose key cannot be used any more.
const rotateRemedy = "run `llmtap ca rotate` to make a new authority, then restart the clients that trust it"

func damaged(path, problem string, cause error) *Error {
	return &Error{Kind: ErrDamaged, Path: path, Problem: problem, Remedy: rotateRemedy, Err: cause}
}
