package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// toggle is a switch that can be left alone: a file's true is undone only by
// an explicit false, and an empty variable counts as not set.
type toggle struct{ given, on bool }

// IsBool lets the flag stand without a value.
func (toggle) IsBool() bool { return true }

// Decode reads --flag, --flag=false or the variable's text.
func (t *toggle) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		*t = toggle{given: true, on: true}
		return nil
	}
	text := strings.TrimSpace(fmt.Sprint(ctx.Scan.Pop().Value))
	if text == "" {
		return nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%q: want true or false", text)
	}
	*t = toggle{given: true, on: on}
	return nil
}
