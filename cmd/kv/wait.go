package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// waitTime is how long wait waits if nobody says.
const waitTime = 30 * time.Second

func wait(k *call) error {
	limit := waitTime
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
		token = k.session.SeenToken()
	}
	l, err := k.leader()
	if err == nil && token != "" {
		err = l.WaitFor(k.ctx(), token, limit)
	}
	if err != nil {
		return err
	}
	return k.out.Put(done(show.WordFact("leader", l.Name)))
}

// converge waits until all leaders have applied the same. Those that take no connections
// are not waited for once the others agree.
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
	last, ok, err := client.Converge(ctx, leaders, every, func(a *client.Agreement) bool {
		return a.Agree() && (len(a.Missing) == 0 || k.Bool("missing-ok") || a.Gone)
	})
	if err != nil {
		return err
	}
	if err := k.inOrder(last.There); err != nil {
		return err
	}
	k.sayForgotten(last.Forgotten)
	if !ok {
		return errors.Join(k.ctx().Err(), apartStill(limit, strings.Join(show.AgreementLines(last), "; ")))
	}
	missing := k.accepted(last.Missing)
	if err := k.out.Put(converged(len(last.There), time.Since(began))); err != nil || len(missing) == 0 {
		return err
	}
	return k.verdict(ending{missing: missing})
}

func converged(n int, took time.Duration) show.Facts {
	verb := "leaders have"
	if n == 1 {
		verb = "leader has"
	}
	return show.Facts{
		Say: fmt.Sprintf("%d %s applied the same, after %s", n, verb, took.Round(time.Millisecond)), Bare: "OK",
		All: []show.Fact{show.TruthFact("converged", true), show.NumberFact("leaders", int64(n)), show.NumberFact("after_ms", took.Milliseconds())},
	}
}

func apartStill(limit time.Duration, why string) error {
	return &cliutil.Problem{What: "wait: leaders have not converged within " + limit.String(), Why: why,
		Next: "kv compare --prefix '' shows where they differ; a longer --timeout waits on, --missing-ok for those that are there", Code: cliutil.Unreachable}
}
