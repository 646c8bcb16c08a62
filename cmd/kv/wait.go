package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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
		err = k.waitFor(l, token, limit)
	}
	if err != nil {
		return err
	}
	return k.out.put(done(wordFact("leader", l.Name)))
}

// waitFor waits until a leader has what a token has seen, for at most limit. The
// leader waits, and may do so for a shorter time than it is asked to.
func (k *call) waitFor(l *leader, token string, limit time.Duration) error {
	end := time.Now().Add(limit)
	for {
		left := max(0, time.Until(end))
		ms := strconv.FormatInt(left.Milliseconds(), 10)
		// The answer needs time as well, also when there is none left.
		_, err := l.within(k.ctx(), left+k.timeout, "KVD.WAITFOR", token, ms)
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
	ctx, cancel := context.WithTimeout(k.ctx(), limit)
	defer cancel()
	began := time.Now()
	apart := "not all of them have answered"
	for {
		fronts, err := frontiers(ctx, leaders)
		switch {
		case err == nil:
			apart = differing(leaders, fronts)
		case !late(err): // too late is for ctx to say
			return err
		}
		if apart == "" {
			return k.out.put(converged(len(leaders), time.Since(began)))
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return errors.Join(k.ctx().Err(), apartStill(limit, apart))
		}
	}
}

func converged(n int, took time.Duration) facts {
	return facts{
		say: fmt.Sprintf("%d leaders have applied the same, after %s", n, took.Round(time.Millisecond)), bare: "OK",
		all: []fact{truthFact("converged", true), numberFact("leaders", int64(n)), numberFact("after_ms", took.Milliseconds())},
	}
}

func apartStill(limit time.Duration, apart string) error {
	return &cliutil.Problem{What: "wait: leaders have not converged within " + limit.String(), Why: apart,
		Next: "kv compare --prefix '' shows where they differ; a longer --timeout waits on", Code: cliutil.Unreachable}
}

// frontiers is what each leader has applied: the last seq by origin.
func frontiers(ctx context.Context, leaders []*leader) ([]map[string]int64, error) {
	fronts := make([]map[string]int64, len(leaders))
	for i, l := range leaders {
		r, err := l.do(ctx, "KVD.FRONTIER")
		if err != nil {
			return nil, err
		}
		fronts[i] = map[string]int64{}
		for j := 0; j+1 < len(r.items); j += 2 {
			fronts[i][r.items[j].text] = r.items[j+1].number
		}
	}
	return fronts, nil
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
