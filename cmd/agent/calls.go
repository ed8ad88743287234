package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	records, err := src.Calls(ctx, q)
	if err != nil {
		return err
	}
	show := func(r call.Record) error { return printCall(env.stdout, colours(env), &r) }
	if c.JSON {
		show = func(r call.Record) error { return json.NewEncoder(env.stdout).Encode(r) }
	} else if err := printHead(env.stdout, colours(env)); err != nil {
		return err
	}
	if c.Follow {
		slices.Reverse(records) // oldest first, so that new ones append
	}
	for _, r := range records {
		if err := show(r); err != nil {
			return err
		}
	}
	if c.Follow {
		return c.goOn(ctx, env, src, show)
	}
	if len(records) == 0 {
		_, _ = fmt.Fprintln(env.stderr, "no calls recorded yet; try: llmtap exec -- python chat.py")
	}
	return nil
}

// goOn shows new calls as they end.
func (c *callsCmd) goOn(ctx context.Context, env environment, src source, show func(call.Record) error) error {
	agent, ok := src.(*adminClient)
	if !ok {
		return usagef("--follow needs a running agent, and none answers in %s; start one with: llmtap run", c.dir(env))
	}
	return agent.follow(ctx, func(r call.Record) error {
		if !c.matches(&r) {
			return nil
		}
		return show(r)
	})
}

func (c *callsCmd) query(now time.Time) (call.Query, error) {
	q := call.Query{Target: c.Target, Class: c.Class, Limit: c.Limit}
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
	if d, err := time.ParseDuration(c.Since); err == nil {
		q.Since = now.Add(-d)
		return q, nil
	}
	t, err := time.Parse(time.RFC3339, c.Since)
	if err != nil {
		return q, usagef("--since %q: want a duration such as 1h or a time such as 2026-01-02T15:04:05Z", c.Since)
	}
	q.Since = t
	return q, nil
}

// matches applies the filters that the live feed does not know.
func (c *callsCmd) matches(r *call.Record) bool {
	t := r.Target
	return (c.Outcome == "" || r.Outcome().String() == c.Outcome) &&
		(c.Class == "" || r.Diagnosis.Class.String() == c.Class) &&
		(c.Target == "" || containsAny(c.Target, t.Host, t.Deployment, t.Model))
}
