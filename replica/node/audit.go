package node

import (
	"context"
	"slices"

	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

// What one audit holds and names.
const (
	auditBytes = 64 << 20 // of ops at once; more are audited in further passes
	auditGaps  = 20
)

// errBusy is told while somebody else's question reads the whole log: one at a
// time is all that writers should have to suffer.
var errBusy = resp.Refuse("BUSY", "an audit or advice is under way at this leader; ask again when it is done, or ask another leader")

// whole lends use the account for a question that reads the whole log.
func (l *Leader) whole(ctx context.Context, use func(*ledger.Reader) error) (at *moment, err error) {
	if !l.auditing.CompareAndSwap(false, true) {
		return nil, errBusy
	}
	l.audited.Store(0)
	defer l.auditing.Store(false)
	return at, l.about(ctx, func(m *moment, a *ledger.Reader) error {
		at = m
		a.Watch(func(done float64) {
			l.audited.Store(int64(done * parts))
			l.auditSteps.Add(1)
		})
		return use(a)
	})
}

// tellAudit is KVD.AUDIT.
func (l *Leader) tellAudit(ctx context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options(args[1:], option{name: "PREFIX", values: 1}, option{name: "SAMPLE", values: 1}, option{name: "PROGRESS"})
	if err != nil {
		return err
	}
	if o["PROGRESS"] != nil {
		l.tellProgress(w)
		return nil
	}
	sample, err := o.count("SAMPLE", 1, 1<<31)
	if err != nil {
		return err
	}
	var r *ledger.Audit
	at, err := l.whole(ctx, func(a *ledger.Reader) (err error) {
		r, err = a.Audit(ledger.AuditOptions{Prefix: o.one("PREFIX"), Keys: acl.Of(ctx).Reads, Sample: uint64(sample), MemoryBytes: auditBytes, Gaps: auditGaps})
		return err
	})
	if err != nil {
		return err
	}
	w.Map(11)
	at.head(w)
	number(w, "keys", int64(r.Keys))
	list(w, "balances", r.Balances, func(b ledger.Balance) { writeBalance(w, &b) })
	list(w, "gaps", r.Gaps, func(g ledger.Gap) { writeGap(w, &g) })
	list(w, "skipped", r.Skipped, w.Text)
	number(w, "stray", int64(r.Stray))
	number(w, "settled", int64(r.Settled))
	list(w, "unreplicated", l.unreplicated(), func(s stretch) { l.writeStretch(w, &s) })
	text(w, "damage", l.disk.Trouble())
	text(w, "text", explain.Audit(r))
	return nil
}

// parts is how finely progress is told.
const parts = 1_000_000

// tellProgress is how far the question has come that reads the whole log at present,
// whoever asked it.
func (l *Leader) tellProgress(w *resp.Writer) {
	w.Map(5)
	text(w, "leader", l.cfg.Name)
	flag(w, "running", l.auditing.Load())
	number(w, "done", l.audited.Load())
	number(w, "of", parts)
	number(w, "steps", l.auditSteps.Load()) // it works as long as they grow
}

func writeBalance(w *resp.Writer, b *ledger.Balance) {
	w.Map(11)
	text(w, "resolver", b.Resolver.String())
	for _, f := range []struct {
		name string
		n    int
	}{
		{"accepted", b.Accepted}, {"live", b.Live}, {"superseded", b.Superseded}, {"inverted", b.Inverted}, {"concurrent", b.Concurrent},
		{"evicted", b.Evicted}, {"none", b.InNone}, {"two", b.InTwo}, {"beyond", b.Beyond},
	} {
		number(w, f.name, int64(f.n))
	}
	flag(w, "holds", b.Holds())
}

func writeGap(w *resp.Writer, g *ledger.Gap) {
	w.Map(5)
	text(w, "key", g.Key)
	text(w, "dot", g.Dot.String())
	text(w, "resolver", g.Resolver.String())
	list(w, "states", g.In, func(s ledger.State) { w.Text(s.String()) })
	text(w, "text", explain.Gap(g))
}

// measured is the prefixes that are asked for, or all that the user may read: what is
// counted for a prefix is counted over all of its keys.
func (l *Leader) measured(asked []string, user *acl.Rights) ([]string, error) {
	for _, p := range asked {
		if !user.Reaches(p) {
			return nil, server.ErrKeyDenied
		}
	}
	if asked != nil {
		return asked, nil
	}
	var all []string
	if user.Everywhere() {
		all = []string{""}
	} else {
		all = slices.Clone(user.Prefixes)
	}
	for _, r := range l.cfg.Policy.Rules {
		if user.Reaches(r.Prefix) && !slices.Contains(all, r.Prefix) {
			all = append(all, r.Prefix)
		}
	}
	return all, nil
}

// tellAdvice is KVD.ADVISE.
func (l *Leader) tellAdvice(ctx context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options(args[1:], option{name: "PREFIX", values: 1, many: true})
	if err != nil {
		return err
	}
	prefixes, err := l.measured(o["PREFIX"], acl.Of(ctx))
	if err != nil {
		return err
	}
	var all []ledger.Advice
	at, err := l.whole(ctx, func(a *ledger.Reader) error {
		stats, err := a.Measure(prefixes)
		for i := range stats {
			if advice, ok := stats[i].Advise(); ok {
				all = append(all, advice)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	w.Map(3)
	at.head(w)
	list(w, "advice", all, func(a ledger.Advice) {
		w.Map(5)
		text(w, "prefix", a.Prefix)
		text(w, "serving", a.Serving.String())
		text(w, "better", a.Better.String())
		text(w, "sentence", explain.Advice(&a))
		list(w, "evidence", explain.Evidence(&a), w.Text)
	})
	return nil
}
