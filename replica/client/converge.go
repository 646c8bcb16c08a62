package client

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"kvd/logical"
)

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
	fronts, errs := make([]logical.Frontier, len(leaders)), make([]error, len(leaders))
	var wg sync.WaitGroup
	for i, l := range leaders {
		wg.Go(func() { fronts[i], errs[i] = l.Frontier(ctx) })
	}
	wg.Wait()
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

// compare says who lacks how many ops.
func (a *Agreement) compare(fronts []logical.Frontier) {
	var all logical.Frontier
	for _, f := range fronts {
		all = all.Join(f)
	}
	for i, f := range fronts {
		if n := Lacking(f, all); n > 0 {
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
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return last, false, nil
		}
	}
}
