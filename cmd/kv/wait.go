package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"kvd/cmd/internal/cliutil"
)

// patience is how long wait waits if nobody says.
const patience = 30 * time.Second

func wait(k *call) error {
	limit := patience
	if k.IsSet("timeout") {
		limit = k.timeout
	}
	token := k.String("token")
	ways := 0
	for _, given := range []bool{k.Bool("converged"), token != "", k.session.on()} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return cliutil.Usage("kv wait needs to know for what", "one of --converged, --token and --session says it", "kv wait --converged")
	}
	if k.Bool("converged") {
		return k.converge(limit)
	}
	if k.session.on() {
		token = k.session.seenToken()
	}
	l, err := k.leader()
	if err == nil && token != "" {
		err = l.waitFor(k.ctx(), token, limit)
	}
	if err != nil {
		return err
	}
	return k.out.put(done(wordFact("leader", l.Name)))
}

// waitFor waits until a leader has what a token has seen, for at most limit. The
// leader waits, and may do so for a shorter time than it is asked to. The error is a
// *refusal.
func (l *leader) waitFor(ctx context.Context, token string, limit time.Duration) error {
	end := time.Now().Add(limit)
	for {
		left := max(0, time.Until(end))
		ms := strconv.FormatInt(left.Milliseconds(), 10)
		// The answer needs time as well, also when there is none left.
		_, err := l.within(ctx, left+l.timeout, "KVD.WAITFOR", token, ms)
		if err == nil || !behind(err) || left.Milliseconds() == 0 {
			return err
		}
	}
}

func behind(err error) bool {
	var r *refusal
	return errors.As(err, &r) && strings.HasPrefix(r.err.Error(), "BEHIND")
}

// converge asks all leaders what they have applied until they agree.
func (k *call) converge(limit time.Duration) error {
	every, err := k.every()
	if err != nil {
		return err
	}
	leaders, err := k.several()
	if err != nil {
		return err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(k.ctx(), limit)
	defer cancel()
	for last := (*look)(nil); ; {
		l, err := k.lookAt(ctx, leaders)
		if err != nil {
			return err
		}
		if last == nil || time.Since(began) < limit { // else the time was over amid this one
			last = &l
		}
		if l.agree() && (len(l.missing) == 0 || k.Bool("missing-ok") || l.gone) {
			return k.agreed(l, began)
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			if err := k.twice(identityTroubles(k.ctx(), last.there)); err != nil {
				return err
			}
			return errors.Join(k.ctx().Err(), apartStill(limit, last.why()))
		}
	}
}

// look is what leaders have applied at one look.
type look struct {
	there   []*leader // that answered
	missing []absentee
	gone    bool   // those that are missing do not even take connections
	apart   string // who lacks what, or does not serve; empty: nobody
}

func (l look) agree() bool { return l.apart == "" && len(l.there) > 0 }

// why is what keeps the leaders from being told to agree.
func (l look) why() string {
	parts := whoIsMissing(l.missing)
	if l.apart != "" {
		parts = append(parts, l.apart)
	}
	return strings.Join(parts, "; ")
}

// lookAt asks all leaders at once. Only what waiting cannot change is a failure.
func (k *call) lookAt(ctx context.Context, leaders []*leader) (look, error) {
	fronts, errs := make([]map[string]int64, len(leaders)), make([]error, len(leaders))
	var wg sync.WaitGroup
	for i, l := range leaders {
		wg.Go(func() { fronts[i], errs[i] = l.frontier(ctx) })
	}
	wg.Wait()
	out := look{gone: true}
	var of []map[string]int64
	for i, l := range leaders {
		switch {
		case errs[i] == nil:
			out.there, of = append(out.there, l), append(of, fronts[i])
		case !away(errs[i]):
			return out, errs[i]
		default:
			out.missing = append(out.missing, absenteeOf(l, errs[i]))
			out.gone = out.gone && !late(errs[i])
		}
	}
	out.missing = k.stillMissed(out.missing, leaders)
	if out.apart = differing(out.there, of); out.apart == "" && len(out.there) > 0 {
		out.apart = notServing(ctx, out.there)
	}
	return out, nil
}

// away reports whether a leader may answer later that did not now.
func away(err error) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return late(err)
	}
	var said redis.Error
	if errors.As(r.err, &said) {
		return false
	}
	code, _ := lost(r.err)
	return code == cliutil.Unreachable
}

// agreed is the end of a wait: those that are there have applied the same.
func (k *call) agreed(l look, began time.Time) error {
	if err := k.twice(identityTroubles(k.ctx(), l.there)); err != nil {
		return err
	}
	missing := k.accepted(l.missing)
	if err := k.out.put(converged(len(l.there), time.Since(began))); err != nil || len(missing) == 0 {
		return err
	}
	return k.verdict(ending{missing: missing})
}

func converged(n int, took time.Duration) facts {
	verb := "leaders have"
	if n == 1 {
		verb = "leader has"
	}
	return facts{
		say: fmt.Sprintf("%d %s applied the same, after %s", n, verb, took.Round(time.Millisecond)), bare: "OK",
		all: []fact{truthFact("converged", true), numberFact("leaders", int64(n)), numberFact("after_ms", took.Milliseconds())},
	}
}

func apartStill(limit time.Duration, apart string) error {
	return &cliutil.Problem{What: "wait: leaders have not converged within " + limit.String(), Why: apart,
		Next: "kv compare --prefix '' shows where they differ; a longer --timeout waits on, --missing-ok for those that are there", Code: cliutil.Unreachable}
}

// frontier is what the leader has applied: the last seq by origin.
func (l *leader) frontier(ctx context.Context) (map[string]int64, error) {
	r, err := l.do(ctx, "KVD.FRONTIER")
	front := map[string]int64{}
	for j := 0; j+1 < len(r.items); j += 2 {
		front[r.items[j].text] = r.items[j+1].number
	}
	return front, err
}

// notServing says who answers LOADING, and why; empty: nobody. Leaders that all
// lack the same, because they began without data, have not converged.
func notServing(ctx context.Context, leaders []*leader) string {
	var waits []string
	for _, l := range leaders {
		r, err := l.do(ctx, "INFO", "persistence")
		if err != nil {
			return err.Error()
		}
		for line := range strings.Lines(r.text) {
			if why, ok := strings.CutPrefix(strings.TrimSpace(line), "loading_why:"); ok {
				waits = append(waits, why)
			}
		}
	}
	return strings.Join(waits, "; ")
}

// differing says who lacks how many ops; empty: nobody any.
func differing(leaders []*leader, fronts []map[string]int64) string {
	newest := map[string]int64{}
	for _, f := range fronts {
		for origin, seq := range f {
			newest[origin] = max(newest[origin], seq)
		}
	}
	var lacks []string
	for i, f := range fronts {
		missing := int64(0)
		for origin, seq := range newest {
			missing += seq - f[origin]
		}
		if missing > 0 {
			lacks = append(lacks, fmt.Sprintf("%s lacks %d ops", leaders[i], missing))
		}
	}
	return strings.Join(lacks, ", ")
}
