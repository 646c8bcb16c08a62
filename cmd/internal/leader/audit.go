package leader

import (
	"context"

	"kvd/replica/account"
	"kvd/replica/resp"
)

// What one audit holds and names.
const (
	auditOps  = 200_000 // in memory at once, about 100 MB; more are audited in further passes
	auditGaps = 20
)

// errBusy is told while somebody else's question reads the whole log: one at a
// time is all that writers should have to suffer.
var errBusy = resp.Refuse("BUSY", "an audit or advice is under way at this leader; ask again when it is done, or ask another leader")

// whole lends use the account for a question that reads the whole log.
func (l *Leader) whole(ctx context.Context, use func(*account.Account) error) (at *moment, err error) {
	if !l.auditing.CompareAndSwap(false, true) {
		return nil, errBusy
	}
	defer l.auditing.Store(false)
	return at, l.about(ctx, func(m *moment, a *account.Account) error {
		at = m
		return use(a)
	})
}

// tellAudit is KVD.AUDIT.
func (l *Leader) tellAudit(ctx context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options(args[1:], option{name: "PREFIX", values: 1}, option{name: "SAMPLE", values: 1})
	if err != nil {
		return err
	}
	sample, err := o.count("SAMPLE", 1, 1<<31)
	if err != nil {
		return err
	}
	var r *account.Audit
	at, err := l.whole(ctx, func(a *account.Account) (err error) {
		r, err = a.Audit(account.AuditOptions{Prefix: o.one("PREFIX"), Sample: uint64(sample), HeldOps: auditOps, Gaps: auditGaps})
		return err
	})
	if err != nil {
		return err
	}
	w.Map(9)
	at.head(w)
	number(w, "keys", int64(r.Keys))
	list(w, "balances", r.Balances, func(b account.Balance) { writeBalance(w, &b) })
	list(w, "gaps", r.Gaps, func(g account.Gap) { writeGap(w, &g) })
	list(w, "skipped", r.Skipped, w.Text)
	number(w, "stray", int64(r.Stray))
	list(w, "stranded", l.stranded(), func(s stretch) { l.writeStretch(w, &s) })
	text(w, "text", r.Text())
	return nil
}

func writeBalance(w *resp.Writer, b *account.Balance) {
	w.Map(11)
	text(w, "resolver", b.Resolver.String())
	for _, f := range []struct {
		name string
		n    int
	}{
		{"accepted", b.Accepted}, {"live", b.Live}, {"superseded", b.Superseded}, {"inverted", b.Inverted}, {"concurrent", b.Concurrent},
		{"shed", b.Shed}, {"none", b.InNone}, {"two", b.InTwo}, {"beyond", b.Beyond},
	} {
		number(w, f.name, int64(f.n))
	}
	flag(w, "holds", b.Holds())
}

func writeGap(w *resp.Writer, g *account.Gap) {
	w.Map(5)
	text(w, "key", g.Key)
	text(w, "dot", g.Dot.String())
	text(w, "resolver", g.Resolver.String())
	list(w, "states", g.In, func(s account.State) { w.Text(s.String()) })
	text(w, "text", g.Text())
}

// tellAdvice is KVD.ADVISE.
func (l *Leader) tellAdvice(ctx context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options(args[1:], option{name: "PREFIX", values: 1, many: true})
	if err != nil {
		return err
	}
	prefixes := o["PREFIX"]
	if prefixes == nil {
		prefixes = []string{""}
		for _, r := range l.cfg.Policy.Rules {
			prefixes = append(prefixes, r.Prefix)
		}
	}
	var all []account.Advice
	at, err := l.whole(ctx, func(a *account.Account) error {
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
	list(w, "advice", all, func(a account.Advice) {
		w.Map(5)
		text(w, "prefix", a.Prefix)
		text(w, "serving", a.Serving.String())
		text(w, "better", a.Better.String())
		text(w, "sentence", a.Sentence)
		list(w, "evidence", a.Evidence, w.Text)
	})
	return nil
}
