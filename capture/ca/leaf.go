package ca

import (
	"container/list"
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"time"
)

// maxLeaves bounds the cache; the leaf used longest ago makes room.
const maxLeaves = 1024

// Leaf returns the certificate to show for name: the cached one until half its
// life is over, else a new one. Callers that ask for one name at the same time
// get the same certificate, which they must not change. The error is
// ErrNotPermitted for a name that Permits refuses, ErrExpired when the
// authority has outlived itself, or that of ctx.
func (a *Authority) Leaf(ctx context.Context, name string) (*tls.Certificate, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ca: mint leaf: %w", err)
	}
	host, ok := a.pair.scope.permits(name)
	if !ok {
		return nil, fmt.Errorf("ca: mint leaf for %.*q: %w: intercept it by configuration and start again",
			maxName, name, ErrNotPermitted)
	}
	now := a.now()
	if c := a.leaves.get(host, now); c != nil {
		return c, nil
	}
	v, err, _ := a.flight.Do(host, func() (any, error) {
		// Another flight may have landed between the look-up and this one.
		if c := a.leaves.get(host, now); c != nil {
			return c, nil
		}
		c, err := a.pair.mint(host, now)
		if err != nil {
			return nil, err
		}
		a.leaves.put(host, c, now)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*tls.Certificate), nil
}

// cache keeps the leaves used last, by name.
type cache struct {
	mu      sync.Mutex // guards all below
	size    int
	order   *list.List // of *entry, the last used in front
	byName  map[string]*list.Element
	minted  uint64
	evicted uint64
}

// entry is one leaf and the moment from which it is not handed out any more.
type entry struct {
	name  string
	cert  *tls.Certificate
	renew time.Time
}

func newCache(size int) *cache {
	return &cache{size: size, order: list.New(), byName: make(map[string]*list.Element)}
}

// get returns the leaf for name, or nil when there is none to hand out at now.
func (c *cache) get(name string, now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.byName[name]
	if !ok {
		return nil
	}
	e := el.Value.(*entry)
	if !now.Before(e.renew) {
		return nil
	}
	c.order.MoveToFront(el)
	return e.cert
}

// put stores a leaf minted at now in place of the one before.
func (c *cache) put(name string, cert *tls.Certificate, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.minted++
	e := &entry{name: name, cert: cert, renew: now.Add(cert.Leaf.NotAfter.Sub(now) / 2)}
	if el, ok := c.byName[name]; ok {
		el.Value = e
		c.order.MoveToFront(el)
		return
	}
	c.byName[name] = c.order.PushFront(e)
	if c.order.Len() > c.size {
		last := c.order.Back()
		delete(c.byName, last.Value.(*entry).name)
		c.order.Remove(last)
		c.evicted++
	}
}

func (c *cache) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Minted: c.minted, Evicted: c.evicted, Cached: c.order.Len()}
}
