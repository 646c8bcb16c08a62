package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/cmd/internal/cliutil"
)

// A leader that reads its whole log for an answer takes as long as the log is. It
// is waited for as long as it gets on, and says how far it is when it is asked
// beside.

// aboutScans is part of the help of commands that let leaders read their logs.
const aboutScans = `Reading a long log takes its time: without --timeout,
a leader is waited for as long as it gets on; on a terminal, or with -v, kv says how far it is.`

const (
	scanLook     = time.Second     // between two looks at how far a leader is
	scanTalk     = 5 * time.Second // between two words about it
	scanPatience = time.Minute     // how long a leader may get no further
	unlimited    = time.Duration(1) << 62
)

// scanAll is askAll for a command for which leaders read their whole logs.
func (k *call) scanAll(words ...string) ([]answered, []absentee, error) {
	return gather(k, func(l *leader) (answered, error) {
		s := &scanWatch{k: k, l: l, pause: scanLook, patience: scanPatience, over: make(chan struct{})}
		return s.ask(words)
	}, func(a answered) string { return a.name })
}

// ask asks the leader, and looks how far it is meanwhile.
func (s *scanWatch) ask(words []string) (answered, error) {
	ctx, stop := context.WithCancelCause(s.k.ctx())
	s.stop = stop
	go s.watch(ctx)
	limit := unlimited
	if s.k.IsSet("timeout") {
		limit = s.k.timeout
	}
	began := time.Now()
	r, err := s.l.within(ctx, limit, words...)
	why := context.Cause(ctx)
	stop(nil)
	<-s.over
	if err != nil {
		return answered{}, s.explain(words[0], err, why, time.Since(began))
	}
	v, err := voiceOf(s.l, words[0], r)
	return answered{v, r}, err
}

// errStalled is why a leader is given up that gets no further.
var errStalled = errors.New("it gets no further")

// scanWatch looks how far one leader is.
type scanWatch struct {
	k        *call
	l        *leader
	pause    time.Duration // between two looks
	patience time.Duration // how long it may get no further
	stop     context.CancelCauseFunc
	over     chan struct{} // closed when nobody looks any more

	done, steps int64 // what it said last: percent, and a number that grows while it works
	told        bool  // it has said anything
}

// watch looks until ctx ends, and gives up on a leader that gets no further. One
// that cannot say how far it is has as long in all.
func (s *scanWatch) watch(ctx context.Context) {
	defer close(s.over)
	tick := time.NewTicker(s.pause)
	defer tick.Stop()
	moved, said := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.look(ctx) {
			moved = time.Now()
		}
		switch {
		case time.Since(moved) > s.patience && !s.k.IsSet("timeout"):
			s.stop(errStalled)
			return
		case s.told && time.Since(said) >= scanTalk && (s.k.verbose || cliutil.IsTerminal(s.k.App.ErrWriter)):
			s.k.say(fmt.Sprintf("%s is at %d %%", s.l, s.done))
			said = time.Now()
		}
	}
}

// look reports whether the leader has got further since the last look.
func (s *scanWatch) look(ctx context.Context) bool {
	r, err := s.l.within(ctx, scanTalk, "KVD.AUDIT", "PROGRESS")
	if err != nil || !truth(r.field("running")) {
		return false
	}
	done, steps := 100*r.field("done").number/max(1, r.field("of").number), r.field("steps").number
	moved := !s.told || steps != s.steps
	s.done, s.steps, s.told = done, steps, true
	return moved
}

// explain says of what was not answered how far it was, and what to do.
func (s *scanWatch) explain(cmd string, err, why error, after time.Duration) error {
	var said redis.Error
	if errors.As(err, &said) || s.k.ctx().Err() != nil || !late(err) && !errors.Is(why, errStalled) {
		return err
	}
	at := "it does not say how far it was"
	if s.told {
		at = fmt.Sprintf("it was at %d %%", s.done)
	}
	text := fmt.Sprintf("no answer in %s: %s", after.Round(100*time.Millisecond), at)
	if errors.Is(why, errStalled) {
		text += fmt.Sprintf(", and got no further for %s", s.patience)
	}
	if cmd == "KVD.AUDIT" {
		text += "; a part takes less: --sample 100, --prefix TEXT"
	}
	return &refusal{s.l, cmd, slow{text}}
}

// slow is no answer in time, told with how far the leader was.
type slow struct{ text string }

func (s slow) Error() string { return s.text }
func (s slow) Unwrap() error { return context.DeadlineExceeded }
