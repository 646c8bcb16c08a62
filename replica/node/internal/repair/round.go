package repair

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/storage"
	"kvd/storage/riblt"
)

// Options is what one round is asked to do.
type Options struct {
	Prefix string // of the keys; empty: all
	After  string // begins after this key; empty: with the first
	Ranges int    // at most; zero: to the end
	Dry    bool   // finds and mends nothing
	Rate   int64  // bytes of objects that are read in a second at most; zero: no bound
	// Findings is how many are told by name.
	Findings int
}

// Outcome is what became of a finding.
type Outcome string

// The outcomes.
const (
	Mended    Outcome = "mended"    // what this leader held was wrong, and is not any more
	Wrong     Outcome = "wrong"     // it is wrong, and was not to be mended
	Theirs    Outcome = "theirs"    // what the other leader holds is wrong
	Undecided Outcome = "undecided" // nobody knows which is right
)

// Finding is a key of which the two leaders held different things though both had applied
// the same of its ops.
type Finding struct {
	Key     string
	Outcome Outcome
	Detail  string // what differs, for people
}

// Report is what a round with one other leader came to.
type Report struct {
	Peer        replica.Leader
	Keys        uint64 // that were compared
	Ranges      int
	Differences uint64 // items that one of the two did not have
	Symbols     uint64
	SymbolBytes uint64 // as they were sent
	Explained   uint64 // keys that differed because ops were under way
	Found       map[Outcome]uint64
	Next        string    // the last key that was compared, where a round goes on after it
	Done        bool      // it was the last of all
	Findings    []Finding // as many as were asked for
}

// answerWait is how long the other leader may take for an answer.
const answerWait = 20 * time.Second

// attempts is how often a range is tried.
const attempts = 3

// Round compares all keys with the prefix with what the other leader holds. It is one round
// at a time; others wait. The report is of what was done, also where there is an error.
func (s *Service) Round(ctx context.Context, peer replica.Leader, o Options) (*Report, error) {
	select {
	case s.round <- struct{}{}:
		defer func() { <-s.round }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r := &run{Service: s, Options: o, report: &Report{Peer: peer, Found: map[Outcome]uint64{}}}
	at := span{prefix: o.Prefix, after: o.After, open: true}
	for {
		began := time.Now()
		var t *table
		err := errors.New("not tried")
		for i := 0; i < attempts && err != nil && ctx.Err() == nil; i++ {
			t, err = r.compareRange(ctx, at)
		}
		if err != nil {
			return r.report, fmt.Errorf("compare with %s after %.64q: %w", peer, at.after, err)
		}
		r.count(t)
		r.report.Next, r.report.Done = t.span.to, t.span.open
		if t.span.open || r.report.Ranges == o.Ranges {
			return r.report, nil
		}
		at.after = t.span.to
		if err := r.rest(ctx, t.read, time.Since(began)); err != nil {
			return r.report, err
		}
	}
}

// run is one round under way.
type run struct {
	*Service
	Options
	report *Report
}

// rest keeps to the rate.
func (r *run) rest(ctx context.Context, read int64, took time.Duration) error {
	if r.Rate <= 0 {
		return ctx.Err()
	}
	wait := time.NewTimer(time.Duration(float64(read)/float64(r.Rate)*float64(time.Second)) - took)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *run) count(t *table) {
	r.report.Keys += uint64(len(t.items))
	r.report.Ranges++
	r.stats.keys.Add(uint64(len(t.items)))
}

// compareRange compares the keys from at on, as many as make a range, and does what is to be
// done about those that differ.
func (r *run) compareRange(ctx context.Context, at span) (*table, error) {
	at.seed = seed{rand.Uint64(), riblt.Key(rand.Uint64())}
	var t *table
	err := r.cfg.Loop.Snapshot(func(snap *storage.Snapshot, applied logical.Frontier) (err error) {
		t, err = scan(snap, applied, at, 1)
		return err
	})
	if err != nil {
		return nil, err
	}
	mine, theirs, err := r.differences(ctx, t)
	if err != nil {
		return nil, err
	}
	return t, r.settle(ctx, t, mine, theirs)
}

// differences is the items that only one of the two has.
func (r *run) differences(ctx context.Context, t *table) (mine, theirs []uint64, err error) {
	first, err := r.ask(ctx, &message{kind: askCompare, span: t.span, policy: policyText(r.cfg.Policy()), frontier: t.frontier}, tellSymbols)
	if err != nil {
		return nil, nil, err
	}
	if end := &first.span; !end.open && (t.span.open || end.to < t.span.to) {
		t.cut(end.to)
	}
	d := riblt.NewDecoder(t.span.seed.check)
	for symbols := first.symbols; ; {
		n := d.Len()
		if len(symbols) == 0 || n+len(symbols) > mostSymbols {
			return nil, nil, fmt.Errorf("%d symbols do not tell how this range differs; it differs nearly everywhere", n)
		}
		r.report.Symbols += uint64(len(symbols))
		r.report.SymbolBytes += uint64(len(riblt.Append(nil, symbols)))
		done, err := d.Add(t.symbols(n, n+len(symbols)), symbols)
		if err != nil {
			return nil, nil, err
		}
		if done {
			r.report.Differences += uint64(len(d.Mine()) + len(d.Theirs()))
			return d.Mine(), d.Theirs(), nil
		}
		n = d.Len()
		more, err := r.ask(ctx, &message{kind: askMore, from: n, n: min(maxSymbols, max(2, n/2))}, tellSymbols)
		if err != nil {
			return nil, nil, err
		}
		symbols = more.symbols
	}
}

// settle fetches what the other has of the keys that differ, and judges it.
func (r *run) settle(ctx context.Context, t *table, mine, theirs []uint64) error {
	keys, items := map[string]bool{}, map[uint64]bool{}
	for _, k := range t.byItem(mine) {
		keys[k] = true
	}
	for _, it := range theirs {
		items[it] = true
	}
	judged := map[string]bool{}
	for left := len(keys) + len(items); left > 0; {
		m, err := r.ask(ctx, &message{kind: askFetch, keys: some(keys, func(k string) int { return len(k) + 8 }), items: some(items, func(uint64) int { return 9 })}, tellRows)
		if err != nil {
			return err
		}
		rows := m.rows[:0]
		for _, row := range m.rows {
			delete(keys, row.key)
			delete(items, row.item)
			if !judged[row.key] {
				judged[row.key] = true
				rows = append(rows, row)
			}
		}
		if n := len(keys) + len(items); n == left {
			return errors.New("the other leader has nothing to say of what differs")
		} else {
			left = n
		}
		if err := r.judge(ctx, t, rows); err != nil {
			return err
		}
	}
	return nil
}

// some is as many as one question may have, where each takes so many bytes.
func some[K comparable](set map[K]bool, size func(K) int) []K {
	var out []K
	bytes := 0
	for k := range set {
		if bytes += size(k); len(out) > 0 && (len(out) == maxFetch || bytes > maxAnswer/2) {
			break
		}
		out = append(out, k)
	}
	return out
}
