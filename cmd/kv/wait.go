package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// waitTime is how long wait waits if nobody says.
const waitTime = 30 * time.Second

func wait(k *call) error {
	limit := waitTime
	if k.IsSet("timeout") {
		limit = k.Timeout
	}
	token := k.String("token")
	ways := 0
	for _, given := range []bool{k.Bool("converged"), token != "", k.Session.On()} {
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
	if k.Session.On() {
		token = k.Session.SeenToken()
	}
	l, err := k.Leader()
	if err == nil && token != "" {
		err = l.WaitFor(k.Ctx(), token, limit)
	}
	if err != nil {
		return err
	}
	return k.Out.Put(done(show.WordFact("leader", l.Name)))
}

// converge waits until all leaders have applied the same. Those that take no connections
// are not waited for once the others agree.
func (k *call) converge(limit time.Duration) error {
	every, err := k.every()
	if err != nil {
		return err
	}
	leaders, err := k.Several()
	if err != nil {
		return err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(k.Ctx(), limit)
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
	k.SayForgotten(last.Forgotten)
	if !ok {
		return errors.Join(k.Ctx().Err(), apartStill(limit, strings.Join(show.AgreementLines(last), "; ")))
	}
	missing := k.Accepted(last.Missing)
	if err := k.Out.Put(converged(len(last.There), time.Since(began))); err != nil || len(missing) == 0 {
		return err
	}
	return k.Verdict(invoke.Ending{Missing: missing})
}

func converged(n int, took time.Duration) show.Record {
	verb := "leaders have"
	if n == 1 {
		verb = "leader has"
	}
	return show.Facts(fmt.Sprintf("%d %s applied the same, after %s", n, verb, took.Round(time.Millisecond)), "OK",
		show.TruthFact("converged", true), show.NumberFact("leaders", int64(n)), show.NumberFact("after_ms", took.Milliseconds()))
}

func apartStill(limit time.Duration, why string) error {
	return &cliutil.Problem{What: "wait: leaders have not converged within " + limit.String(), Why: why,
		Next: "kv compare --prefix '' shows where they differ; a longer --timeout waits on, --missing-ok for those that are there", Code: cliutil.Unreachable}
}
