package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"llmtap/internal/call"
)

// instantConns is how many connections share the instantly answered calls.
const instantConns = 16

// instantStore is what the agent of the instant calls leaves behind.
const instantStore = "instant-agent/state/calls.db"

// instant sends POSTs of 32 KiB that are answered before they are read, every
// other one as a stream, through a fresh agent, and counts broken answers and
// complete records.
func (f *field) instant(ctx context.Context, calls int, x *extra) error {
	t, err := f.newAgent(ctx, "instant", "instant-agent")
	if err != nil {
		return err
	}
	x.Calls = calls
	x.Broken, err = instantCalls(ctx, t.at, calls)
	t.hangUp()
	if err := errors.Join(err, t.proc.stop()); err != nil {
		return err
	}
	x.Records, err = completeRecords(ctx, f.path(instantStore), calls)
	return err
}

// instantCalls returns how many answers were not what the service sent.
func instantCalls(ctx context.Context, at address, calls int) (int, error) {
	filler := strings.Repeat("bird ", 32<<10/5)
	body := func(stream string) string {
		return `{"model":"bench",` + stream + `"messages":[{"role":"user","content":"` + filler + `"}]}`
	}
	kinds := [2]struct {
		req    []byte
		chunks int
	}{
		{request(at.host, "/instant/v1/chat/completions", body(`"stream":true,`)), 3},
		{request(at.host, "/instant/plain/v1/chat/completions", body("")), 0},
	}
	var next, broken atomic.Int64
	errs := make([]error, instantConns)
	var wg sync.WaitGroup
	for i := range instantConns {
		wg.Go(func() {
			var c *client
			for n := next.Add(1) - 1; n < int64(calls) && ctx.Err() == nil; n = next.Add(1) - 1 {
				if c == nil {
					if c, errs[i] = dialTarget(ctx, at); errs[i] != nil {
						return
					}
				}
				k := kinds[n%2]
				r, err := c.do(k.req, false)
				if r.check(err, k.chunks) != nil {
					broken.Add(1)
					c.close()
					c = nil
				}
			}
			if c != nil {
				c.close()
			}
		})
	}
	wg.Wait()
	return int(broken.Load()), errors.Join(append(errs, ctx.Err())...)
}

// completeRecords counts the records that say all about their call.
func completeRecords(ctx context.Context, path string, calls int) (n int, err error) {
	list, err := stored(ctx, path, calls)
	if err != nil {
		return 0, fmt.Errorf("bench: read records: %w", err)
	}
	for _, r := range list {
		if complete(&r) {
			n++
		}
	}
	return n, nil
}

// complete says that request and answer were both read to their end.
func complete(r *call.Record) bool {
	mode := r.Request.Mode == call.ModePlain
	if strings.Contains(r.Request.Path, "/plain/") != mode {
		return false
	}
	return r.Target.Model == "bench" && r.Request.Messages == 1 && r.Request.Bytes > 32<<10 && r.Response.Status == 200 &&
		r.Response.Model == "gpt-4o" && r.End.Terminal && len(r.Response.FinishReasons) == 1 && (mode || r.Stream.Done)
}
