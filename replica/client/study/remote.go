package study

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/resolve"
	"kvd/resolve/replay"
	"kvd/storage/codec"
)

// remote is what a leader holds of everybody's ops, read page by page. Ops never
// change, so what a frontier covers is the same whenever it is read, and the
// leader holds nothing for the reader. While one page is used, the next is on its
// way. Close waits for those.
type remote struct {
	ctx    context.Context
	leader *client.Leader
	prefix string
	upTo   logical.Frontier
	pages  map[logical.Origin]*pages
	asking sync.WaitGroup
}

var _ replay.Log = (*remote)(nil)

type pages struct {
	due   logical.Seq // what Ops will be asked for next, if it goes on
	ahead chan page   // the page under way fits in; nil: none is
}

type page struct {
	ops  []*resolve.Op
	next logical.Seq // zero: the log ends here
	err  error
}

// pageOps is as many as a leader gives at most.
const pageOps = 10_000

func newRemote(ctx context.Context, l *client.Leader, prefix string, upTo logical.Frontier) *remote {
	return &remote{ctx: ctx, leader: l, prefix: prefix, upTo: upTo, pages: map[logical.Origin]*pages{}}
}

// Ops gives whole pages, whatever the limits: they are bounded by the leader.
// Pages without ops of the prefix are passed over.
func (r *remote) Ops(origin logical.Origin, from logical.Seq, _, _ int) ([]*resolve.Op, error) {
	p := r.pages[origin]
	if p == nil || p.due != from {
		p = &pages{}
		r.pages[origin] = p
		r.ask(origin, from, p)
	}
	for p.ahead != nil {
		got := <-p.ahead
		p.ahead = nil
		if got.err != nil {
			return nil, got.err
		}
		if got.next != 0 && got.next <= r.upTo.At(origin) {
			r.ask(origin, got.next, p)
		}
		if len(got.ops) > 0 {
			p.due = got.ops[len(got.ops)-1].Dot.Seq + 1
			return got.ops, nil
		}
	}
	return nil, nil
}

func (r *remote) ask(origin logical.Origin, from logical.Seq, p *pages) {
	ahead := make(chan page, 1) // whoever answers does not wait
	p.ahead = ahead
	r.asking.Go(func() { ahead <- r.page(origin, from) })
}

func (r *remote) page(origin logical.Origin, from logical.Seq) page {
	words := []string{"KVD.LOG", origin.String(), strconv.FormatUint(uint64(from), 10), "COUNT", strconv.Itoa(pageOps)}
	if r.prefix != "" {
		words = append(words, "PREFIX", r.prefix)
	}
	answer, err := r.leader.Do(r.ctx, words...)
	if err != nil {
		return page{err: err}
	}
	got := page{next: logical.Seq(answer.Field("next").Int)}
	for _, entry := range answer.Field("entries").Items {
		op, err := codec.DecodeOp([]byte(entry.Text))
		if err == nil && (op.Dot.Origin != origin || op.Dot.Seq < from) {
			err = fmt.Errorf("it gave %s when asked for %s from %d", op.Dot, origin, from)
		}
		if err != nil {
			return page{err: client.NewRefusal(r.leader, "KVD.LOG", fmt.Errorf("its log cannot be read: %w", err))}
		}
		got.ops, from = append(got.ops, op), op.Dot.Seq+1
	}
	if got.next != 0 && got.next < from {
		return page{err: client.NewRefusal(r.leader, "KVD.LOG", errors.New("it goes back in its log"))}
	}
	return got
}

// close waits until nobody is asked any more. The leader's connections should be
// closed, or the context ended, if that shall be soon.
func (r *remote) close() { r.asking.Wait() }
