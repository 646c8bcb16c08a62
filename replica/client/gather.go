package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kvd/logical"
)

// Responder is who answered, and what it had applied when it did.
type Responder struct {
	Name    string // as it calls itself
	Applied logical.Frontier
}

// ResponderOf reads the fields leader and applied of an answer.
func ResponderOf(l *Leader, cmd string, r Reply) (Responder, error) {
	at := r.Field("applied")
	if at.IsNull() { // KVD.LOSSES was once without it
		return Responder{}, &Refusal{l, cmd, errors.New("this server answers " + cmd + " as older ones do, and cannot be held against others; a newer one can")}
	}
	applied, err := logical.ParseFrontier(at.Text)
	if err != nil {
		return Responder{}, &Refusal{l, cmd, fmt.Errorf("the answer cannot be read: %w", err)}
	}
	return Responder{cmp.Or(r.Field("leader").Text, l.Name), applied}, nil
}

// Answer is one leader's answer to one command.
type Answer struct {
	Responder
	Reply
}

// Ask puts a question of one command. The error is a *Refusal.
func (l *Leader) Ask(ctx context.Context, words ...string) (Answer, error) {
	r, err := l.Do(ctx, words...)
	if err != nil {
		return Answer{}, err
	}
	v, err := ResponderOf(l, words[0], r)
	return Answer{v, r}, err
}

// Absentee is a leader that could not be asked, and why.
type Absentee struct {
	Node
	Err error // never nil
}

// Gather asks all leaders at once. What they said is by name, and of each name
// once, should it have two addresses.
func Gather[T any](leaders []*Leader, ask func(*Leader) (T, error), name func(T) string) (said []T, missing []Absentee) {
	all, errs := atOnce(leaders, ask)
	for i, l := range leaders {
		if errs[i] != nil {
			missing = append(missing, Absentee{l.Node, errs[i]})
			continue
		}
		said = append(said, all[i])
	}
	slices.SortStableFunc(said, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return slices.CompactFunc(said, func(a, b T) bool { return name(a) == name(b) }), missing
}

// atOnce asks all leaders at once; answers and errors are in their order.
func atOnce[T any](leaders []*Leader, ask func(*Leader) (T, error)) ([]T, []error) {
	all, errs := make([]T, len(leaders)), make([]error, len(leaders))
	var wg sync.WaitGroup
	for i, l := range leaders {
		wg.Go(func() { all[i], errs[i] = ask(l) })
	}
	wg.Wait()
	return all, errs
}

// StillMissed takes out of those who could not be asked the leaders that the cluster has
// forgotten, as one of the others knows: whoever listed the leaders may not.
func StillMissed(ctx context.Context, missing []Absentee, leaders []*Leader) []Absentee {
	if len(missing) == 0 {
		return nil
	}
	for _, l := range leaders {
		if slices.ContainsFunc(missing, func(a Absentee) bool { return a.Addr == l.Addr }) {
			continue
		}
		if names, err := l.Forgotten(ctx); err == nil {
			return slices.DeleteFunc(slices.Clone(missing), func(a Absentee) bool { return slices.Contains(names, a.Name) })
		}
	}
	return missing
}

// Distance is how far apart two leaders are by what they have applied.
type Distance struct {
	Lacks, Beyond uint64 // ops that the other has and it lacks, and the reverse
}

// DistanceOf is how far a is from another.
func DistanceOf(a, other logical.Frontier) Distance {
	return Distance{other.Beyond(a), a.Beyond(other)}
}

// None reports whether they have applied the same.
func (s Distance) None() bool { return s.Lacks == 0 && s.Beyond == 0 }

// MostApplied is the index of the leader that has applied most; of equals the first.
func MostApplied(said []Answer) int {
	best, most := 0, uint64(0)
	for i, s := range said {
		if n := s.Applied.Beyond(logical.Frontier{}); i == 0 || n > most {
			best, most = i, n
		}
	}
	return best
}

// Agreement is what leaders have applied, all asked at one time.
type Agreement struct {
	There     []*Leader // that answered
	Missing   []Absentee
	Forgotten int      // how many are not missed because they are forgotten
	Gone      bool     // those that are missing do not even take connections
	Lacks     []lack   // who has not applied what another has
	Loading   []string // why leaders that are there do not serve
	Failed    *Refusal // of asking that; nil: none
}

// lack is how many ops a leader has not applied that another has.
type lack struct {
	Leader *Leader
	Ops    uint64
}

// Agree reports whether those that are there have applied the same, and serve.
func (a *Agreement) Agree() bool {
	return len(a.There) > 0 && len(a.Lacks) == 0 && len(a.Loading) == 0 && a.Failed == nil
}

// AgreementOf asks all leaders at once. Only what waiting cannot change is an error, a
// *Refusal.
func AgreementOf(ctx context.Context, leaders []*Leader) (*Agreement, error) {
	fronts, errs := atOnce(leaders, func(l *Leader) (logical.Frontier, error) { return l.Frontier(ctx) })
	out := &Agreement{Gone: true}
	var of []logical.Frontier
	for i, l := range leaders {
		switch {
		case errs[i] == nil:
			out.There, of = append(out.There, l), append(of, fronts[i])
		case !Away(errs[i]):
			return out, errs[i]
		default:
			out.Missing = append(out.Missing, Absentee{l.Node, errs[i]})
			out.Gone = out.Gone && !Late(errs[i])
		}
	}
	missing := StillMissed(ctx, out.Missing, leaders)
	out.Forgotten, out.Missing = len(out.Missing)-len(missing), missing
	out.compare(of)
	if len(out.Lacks) == 0 {
		out.serving(ctx)
	}
	return out, nil
}

func (a *Agreement) compare(fronts []logical.Frontier) {
	var all logical.Frontier
	for _, f := range fronts {
		all = all.Join(f)
	}
	for i, f := range fronts {
		if n := all.Beyond(f); n > 0 {
			a.Lacks = append(a.Lacks, lack{a.There[i], n})
		}
	}
}

// serving says who answers LOADING, and why. Leaders that all lack the same, because
// they began without data, have not converged.
func (a *Agreement) serving(ctx context.Context) {
	for _, l := range a.There {
		info, err := l.Info(ctx, "persistence")
		if err != nil {
			a.Failed, _ = errors.AsType[*Refusal](err)
			return
		}
		if why := strings.TrimSpace(info["loading_why"]); why != "" {
			a.Loading = append(a.Loading, why)
		}
	}
}

// over reports whether the time of ctx has come. A connection may give up by the same
// deadline before the context itself says so.
func over(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(end)
}

// Converge asks the leaders again and again until enough says so, or ctx ends. An
// asking that the end came amid counts only if it is the first. It answers the last
// one; false: it was not enough.
func Converge(ctx context.Context, leaders []*Leader, every time.Duration, enough func(*Agreement) bool) (last *Agreement, ok bool, err error) {
	for {
		now, err := AgreementOf(ctx, leaders)
		if err != nil {
			return now, false, err
		}
		if last == nil || !over(ctx) {
			last = now
		}
		if enough(now) {
			return now, true, nil
		}
		if Pause(ctx, every) != nil {
			return last, false, nil
		}
	}
}

// A leader that reads its whole log for an answer takes as long as the log is. It
// is waited for as long as it gets on, and says how far it is when it is asked
// beside.

const (
	pollEvery  = time.Second     // between two polls of how far a leader is
	pollFor    = 5 * time.Second // how long a poll may take
	stallAfter = time.Minute     // how long a leader may get no further
	unlimited  = time.Duration(1) << 62
)

// LongAsk is a question for which leaders read their whole logs.
type LongAsk struct {
	Words []string
	Limit time.Duration                  // of the answer; zero: as long as the leader gets on
	Told  func(l *Leader, percent int64) // hears how far a leader is, at every poll; nil: nobody

	every, stall time.Duration // pollEvery and stallAfter, but for tests
}

// To puts it to one leader. The error is a *Refusal; where no answer came it says how
// far the leader was, and wraps context.DeadlineExceeded.
func (q LongAsk) To(ctx context.Context, l *Leader) (Answer, error) {
	if q.every == 0 {
		q.every, q.stall = pollEvery, stallAfter
	}
	asking, stop := context.WithCancelCause(ctx)
	w := &progress{ask: &q, l: l, stop: stop, over: make(chan struct{})}
	go w.watch(asking)
	limit := q.Limit
	if limit == 0 {
		limit = unlimited
	}
	began := time.Now()
	alone := &Leader{Node: l.Node, options: l.options, rdb: l.single(asking)} // what it waits for, ends with the asking
	defer alone.rdb.Close()
	r, err := alone.within(asking, limit, q.Words...)
	why := context.Cause(asking)
	stop(nil)
	<-w.over
	if err != nil {
		if _, answers := Said(err); answers || ctx.Err() != nil || !Late(err) && !errors.Is(why, errStalled) {
			return Answer{}, err
		}
		return Answer{}, w.explain(why, time.Since(began))
	}
	v, err := ResponderOf(l, q.Words[0], r)
	return Answer{v, r}, err
}

// errStalled is why a leader is given up that gets no further.
var errStalled = errors.New("it gets no further")

type progress struct {
	ask  *LongAsk
	l    *Leader
	stop context.CancelCauseFunc
	over chan struct{} // closed when nobody polls any more

	done, steps int64 // what it said last: percent, and a number that grows while it works
	told        bool  // it has said anything
}

// watch polls until ctx ends, and gives up on a leader that gets no further. One
// that cannot say how far it is has as long in all.
func (p *progress) watch(ctx context.Context) {
	defer close(p.over)
	tick := time.NewTicker(p.ask.every)
	defer tick.Stop()
	for moved := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p.poll(ctx) {
			moved = time.Now()
		}
		if time.Since(moved) > p.ask.stall && p.ask.Limit == 0 {
			p.stop(errStalled)
			return
		}
		if p.told && p.ask.Told != nil {
			p.ask.Told(p.l, p.done)
		}
	}
}

// poll reports whether the leader has got further since the last one.
func (p *progress) poll(ctx context.Context) bool {
	r, err := p.l.within(ctx, pollFor, "KVD.AUDIT", "PROGRESS")
	if err != nil || !r.Field("running").Truth() {
		return false
	}
	done, steps := 100*r.Field("done").Int/max(1, r.Field("of").Int), r.Field("steps").Int
	moved := !p.told || steps != p.steps
	p.done, p.steps, p.told = done, steps, true
	return moved
}

// explain says of what was not answered how far it was.
func (p *progress) explain(why error, after time.Duration) error {
	at := "it does not say how far it was"
	if p.told {
		at = fmt.Sprintf("it was at %d %%", p.done)
	}
	text := fmt.Sprintf("no answer in %s: %s", after.Round(100*time.Millisecond), at)
	if errors.Is(why, errStalled) {
		text += fmt.Sprintf(", and got no further for %s", p.ask.stall)
	}
	if p.ask.Words[0] == "KVD.AUDIT" {
		text += "; a part takes less: --sample 100, --prefix TEXT"
	}
	return &Refusal{p.l, p.ask.Words[0], slow{text}}
}

// slow is no answer in time, told with how far the leader was.
type slow struct{ Text string }

func (s slow) Error() string { return s.Text }
func (s slow) Unwrap() error { return context.DeadlineExceeded }
