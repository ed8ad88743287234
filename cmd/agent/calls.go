package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

type callsCmd struct {
	where   `embed:""`
	Since   string `help:"Only calls since then: a duration (1h) or a time (RFC 3339)." placeholder:"D"`
	Target  string `help:"Only calls whose host, deployment or model contains this." placeholder:"S"`
	Class   string `help:"Only calls of this failure class." placeholder:"C"`
	Outcome string `help:"Only calls with this outcome: ok, error or cancelled." placeholder:"O"`
	Limit   int    `help:"How many at most." default:"50"`
	JSON    bool   `name:"json" help:"One JSON object a line."`
	Follow  bool   `help:"Go on with new calls as they end."`
}

// maxCalls is the longest list the API gives at once.
const maxCalls = 1000

// Help shows examples.
func (callsCmd) Help() string {
	return "Examples:\n  llmtap calls --since 1h --outcome error\n  llmtap calls --target gpt-4o --json | jq .response.status\n  llmtap calls --follow"
}

// Run lists recorded attempts.
func (c *callsCmd) Run(ctx context.Context, env environment) error {
	q, err := c.query(time.Now())
	if err != nil {
		return err
	}
	src, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close(ctx) }()
	show := func(r call.Record) error { return printCall(env.stdout, colours(env), &r) }
	if c.JSON {
		show = func(r call.Record) error { return json.NewEncoder(env.stdout).Encode(r) }
	}
	if c.Follow {
		return c.follow(ctx, env, src, q, show)
	}
	records, err := src.Calls(ctx, q)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		_, err := fmt.Fprintln(env.stderr, c.nothing())
		return err
	}
	if err := c.head(env); err != nil {
		return err
	}
	for _, r := range records {
		if err := show(r); err != nil {
			return err
		}
	}
	return nil
}

func (c *callsCmd) head(env environment) error {
	if c.JSON {
		return nil
	}
	return printHead(env.stdout, colours(env))
}

// nothing says why the list is empty.
func (c *callsCmd) nothing() string {
	if c.Since != "" || c.Target != "" || c.Class != "" || c.Outcome != "" {
		return "no call matches; without filters: llmtap calls"
	}
	return "no calls recorded yet; try: llmtap exec -- python chat.py"
}

// follow shows what is there, oldest first, then calls as they end. The feed
// is opened before the list is read, so that no call falls between the two.
func (c *callsCmd) follow(ctx context.Context, env environment, src source, q call.Query, show func(call.Record) error) error {
	agent, ok := src.(*adminClient)
	if !ok {
		return usagef("--follow needs a running agent, and none runs in %s; start one with: llmtap run", c.dir(env))
	}
	feed, err := agent.feed(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = feed.Close() }()
	records, err := src.Calls(ctx, q)
	if err != nil {
		return err
	}
	if err := c.head(env); err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, r := range slices.Backward(records) {
		shown[r.Identity.ID] = true
		if err := show(r); err != nil {
			return err
		}
	}
	err = eachRecord(feed, func(r call.Record) error {
		if shown[r.Identity.ID] || !c.matches(&r) {
			return nil
		}
		return show(r)
	})
	switch {
	case ctx.Err() != nil: // the user stopped
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		_, err = fmt.Fprintln(env.stderr, "the agent has ended")
	}
	return err
}

func (c *callsCmd) query(now time.Time) (call.Query, error) {
	q := call.Query{Target: c.Target, Class: c.Class, Limit: c.Limit}
	if c.Limit < 1 || c.Limit > maxCalls {
		return q, usagef("--limit %d: want a number from 1 to %d", c.Limit, maxCalls)
	}
	if err := q.Outcome.UnmarshalText([]byte(c.Outcome)); err != nil {
		return q, usagef("--outcome %q: want ok, error or cancelled", c.Outcome)
	}
	var class call.Class
	if err := class.UnmarshalText([]byte(c.Class)); err != nil {
		return q, usagef("--class %q: not a failure class; see the class column of `llmtap calls`", c.Class)
	}
	if c.Since == "" {
		return q, nil
	}
	if d, err := days(c.Since); err == nil && d >= 0 {
		q.Since = now.Add(-d)
		return q, nil
	}
	t, err := time.Parse(time.RFC3339, c.Since)
	if err != nil {
		return q, usagef("--since %q: want a duration such as 15m, 12h or 7d, or a time such as 2026-01-02T15:04:05Z", c.Since)
	}
	q.Since = t
	return q, nil
}

// days reads a duration that may also be a number of days (7d).
func days(s string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		d, err := strconv.ParseUint(n, 10, 16)
		return time.Duration(d) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// matches applies the filters that the live feed does not know.
func (c *callsCmd) matches(r *call.Record) bool {
	t := r.Target
	return (c.Outcome == "" || r.Outcome().String() == c.Outcome) &&
		(c.Class == "" || r.Diagnosis.Class.String() == c.Class) &&
		(c.Target == "" || containsAny(c.Target, t.Host, t.Deployment, t.Model))
}
