package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/answers"
)

// follow prints the losses there are, and then each that a leader tells of, once,
// and each retraction. It ends when the user wants it to, or nobody reads any more, and
// neither is a failure.
func (k *call) follow(q answers.LossQuery) error {
	leaders, err := k.Everyone()
	if err != nil {
		return err
	}
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE) // a write to a closed pipe is an error, then, and not the end
	defer signal.Stop(broken)
	ctx, stop := context.WithCancel(k.Ctx())
	defer stop()
	f := &follower{k: k, query: q, seen: answers.NewLossReports(), feed: answers.Follow(ctx, leaders, q)}
	k.Out.List()
	err = f.run(ctx, len(leaders))
	stop()
	k.Opened.Close()
	f.feed.Wait()
	if closedPipe(err) {
		k.Out.Unread = true
		return nil
	}
	if k.Ctx().Err() != nil {
		return nil
	}
	return err
}

// closedPipe reports whether whoever read the output has gone.
func closedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, errNobodyReads)
}

var errNobodyReads = errors.New("nobody reads the output any more")

// follower is one kv losses --follow.
type follower struct {
	k     *call
	query answers.LossQuery
	feed  *answers.Feed
	seen  *answers.LossReports
}

func (f *follower) run(ctx context.Context, leaders int) error {
	ended, err := f.begin(ctx, leaders)
	if err != nil {
		return err
	}
	leaders -= ended
	f.feed.Begin()
	gone := outputGone(ctx, f.k.Out.W)
	for {
		select {
		case n := <-f.feed.All():
			if err := f.tell(n); err != nil {
				return err
			}
			if n.Ended {
				leaders--
			}
			if leaders == 0 {
				return n.Away
			}
		case <-gone:
			return errNobodyReads
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin waits for the first word of every leader, and prints what there is. It
// answers how many will not be heard again; none being there is a failure.
func (f *follower) begin(ctx context.Context, leaders int) (ended int, err error) {
	var said []answers.Listing
	var failed []answers.News
	for range leaders {
		select {
		case n := <-f.feed.All():
			if n.Ledger != nil {
				said = append(said, *n.Ledger)
			} else {
				failed = append(failed, n)
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	slices.SortFunc(failed, func(a, b answers.News) int { return strings.Compare(a.By.Addr, b.By.Addr) })
	if len(said) == 0 {
		return 0, failed[0].Away
	}
	for _, n := range failed {
		if n.Ended {
			ended++
		}
		if err := f.tell(n); err != nil {
			return 0, err
		}
	}
	return ended, f.printAll(said)
}

func (f *follower) printAll(said []answers.Listing) error {
	list := answers.MergeLosses(said, nil, f.query)
	for i := range said {
		for _, r := range said[i].Rows {
			f.seen.Note(said[i].Name, answers.ClaimLost, r.Position())
		}
	}
	for _, l := range list.Losses {
		if err := f.print(answers.EventOf(&l.Row, l.By[0].Leader)); err != nil {
			return err
		}
	}
	f.k.sayLosses(list, said, f.query)
	return nil
}

// tell prints one piece of news, unless another leader's was the same.
func (f *follower) tell(n answers.News) error {
	switch {
	case n.Ledger != nil:
		if n.Back {
			f.k.Say(n.By.String() + " is back")
		}
		return f.catchUp(n.Ledger)
	case n.Event != nil:
		return f.hear(n.Event)
	case n.Ended:
		f.k.Say(show.Missed(client.Absentee{Node: n.By.Node, Err: n.Away}) + "; its losses are not followed")
	default:
		f.k.Say(show.Missed(client.Absentee{Node: n.By.Node, Err: n.Away}) + "; still trying")
	}
	return nil
}

// catchUp prints what a leader has in its ledger and nobody told of.
func (f *follower) catchUp(g *answers.Listing) error {
	for _, r := range g.Rows {
		if f.seen.Note(g.Name, answers.ClaimLost, r.Position()) {
			if err := f.print(answers.EventOf(&r, g.Name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// hear prints an event that is asked for and new.
func (f *follower) hear(e *answers.Event) error {
	at, err := e.Position()
	fresh := e.Kind == answers.EventMissed
	switch {
	case fresh:
	case err != nil:
		f.k.Say(show.Printable(e.Leader) + " tells what cannot be read: " + show.Printable(err.Error()))
	case !f.query.Takes(e):
	case e.Kind == answers.EventLost:
		fresh = f.seen.Note(e.Leader, answers.ClaimLost, at)
	case e.Kind == answers.EventRetracted:
		fresh = f.seen.Note(e.Leader, answers.ClaimRetracted, at)
	}
	if !fresh {
		return nil
	}
	return f.print(e)
}

// print does not hold back the rows of a table, so columns may shift as it grows.
func (f *follower) print(e *answers.Event) error {
	return errors.Join(f.k.Out.Put(show.Event(e)), f.k.Out.EndTable())
}
