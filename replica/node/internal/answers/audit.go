package answers

import (
	"context"
	"slices"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
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

// whole lends use a reader for a question that reads the whole log.
func (an *Answers) whole(ctx context.Context, use func(*ledger.Reader) error) (*snapshot, error) {
	if !an.busy.CompareAndSwap(false, true) {
		return nil, errBusy
	}
	an.done.Store(0)
	defer an.busy.Store(false)
	if log := an.cfg.Store.Log(); log != nil { // else its ops would go while they are counted
		defer log.Hold()()
	}
	return an.about(ctx, func(_ *snapshot, reader *ledger.Reader) error {
		reader.Watch(func(done float64) {
			an.done.Store(int64(done * parts))
			an.steps.Add(1)
		})
		return use(reader)
	})
}

// tellAudit is KVD.AUDIT.
func (an *Answers) tellAudit(ctx context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options.Read(args[1:], options.Option{Name: "PREFIX", Values: 1}, options.Option{Name: "SAMPLE", Values: 1}, options.Option{Name: "PROGRESS"})
	if err != nil {
		return err
	}
	if o.Has("PROGRESS") {
		an.tellProgress(w)
		return nil
	}
	sample, err := o.Count("SAMPLE", 1, 1<<31)
	if err != nil {
		return err
	}
	var r *ledger.Audit
	at, err := an.whole(ctx, func(reader *ledger.Reader) (err error) {
		r, err = reader.Audit(ledger.AuditOptions{Prefix: o.One("PREFIX"), Keys: acl.Of(ctx).Reads, Sample: uint64(sample), MemoryBytes: auditBytes, Gaps: auditGaps})
		return err
	})
	if err != nil {
		return err
	}
	w.Map(12)
	at.head(w)
	fields.Text(w, "removed", r.Removed.String())
	fields.Number(w, "keys", int64(r.Keys))
	fields.List(w, "balances", r.Balances, func(b ledger.Balance) { writeBalance(w, &b) })
	fields.List(w, "gaps", r.Gaps, func(g ledger.Gap) { writeGap(w, &g) })
	fields.List(w, "skipped", r.Skipped, w.Text)
	fields.Number(w, "stray", int64(r.Stray))
	fields.Number(w, "settled", int64(r.Settled))
	fields.List(w, "unreplicated", an.cfg.Unreplicated(), func(s Stretch) { an.writeStretch(w, &s) })
	fields.Text(w, "damage", an.cfg.Trouble())
	fields.Text(w, "text", explain.Audit(r))
	return nil
}

// parts is how finely progress is told.
const parts = 1_000_000

// tellProgress is how far the question has come that reads the whole log at present,
// whoever asked it.
func (an *Answers) tellProgress(w *resp.Writer) {
	w.Map(5)
	fields.Text(w, "leader", an.cfg.Name)
	fields.Flag(w, "running", an.busy.Load())
	fields.Number(w, "done", an.done.Load())
	fields.Number(w, "of", parts)
	fields.Number(w, "steps", an.steps.Load()) // it works as long as they grow
}

func writeBalance(w *resp.Writer, b *ledger.Balance) {
	w.Map(11)
	fields.Text(w, "resolver", b.Resolver.String())
	for _, f := range []struct {
		name string
		n    int
	}{
		{"accepted", b.Accepted}, {"live", b.Live}, {"superseded", b.Superseded}, {"inverted", b.Inverted}, {"concurrent", b.Concurrent},
		{"evicted", b.Evicted}, {"none", b.InNone}, {"two", b.InTwo}, {"beyond", b.Beyond},
	} {
		fields.Number(w, f.name, int64(f.n))
	}
	fields.Flag(w, "holds", b.Holds())
}

func writeGap(w *resp.Writer, g *ledger.Gap) {
	w.Map(5)
	fields.Text(w, "key", g.Key)
	fields.Text(w, "dot", g.Dot.String())
	fields.Text(w, "resolver", g.Resolver.String())
	fields.List(w, "states", g.In, func(s ledger.State) { w.Text(s.String()) })
	fields.Text(w, "text", explain.Gap(g))
}

// measured is the prefixes that are asked for, or all that the user may read: what is
// counted for a prefix is counted over all of its keys.
func (an *Answers) measured(asked []string, user *acl.Rights) ([]string, error) {
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
	for _, r := range an.cfg.Policy.Rules {
		if user.Reaches(r.Prefix) && !slices.Contains(all, r.Prefix) {
			all = append(all, r.Prefix)
		}
	}
	return all, nil
}

// tellAdvice is KVD.ADVISE.
func (an *Answers) tellAdvice(ctx context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options.Read(args[1:], options.Option{Name: "PREFIX", Values: 1, Many: true})
	if err != nil {
		return err
	}
	prefixes, err := an.measured(o["PREFIX"], acl.Of(ctx))
	if err != nil {
		return err
	}
	var all []ledger.Advice
	at, err := an.whole(ctx, func(reader *ledger.Reader) error {
		stats, err := reader.Measure(prefixes)
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
	fields.List(w, "advice", all, func(a ledger.Advice) {
		w.Map(5)
		fields.Text(w, "prefix", a.Prefix)
		fields.Text(w, "serving", a.Serving.String())
		fields.Text(w, "better", a.Better.String())
		fields.Text(w, "sentence", explain.Advice(&a))
		fields.List(w, "evidence", explain.Evidence(&a), w.Text)
	})
	return nil
}

func (an *Answers) writeStretch(w *resp.Writer, s *Stretch) {
	w.Map(4)
	fields.Text(w, "leader", an.cfg.NameOf(s.Origin))
	fields.Text(w, "from", logical.Dot{Origin: s.Origin, Seq: s.From}.String())
	fields.Text(w, "to", logical.Dot{Origin: s.Origin, Seq: s.To}.String())
	fields.List(w, "holders", s.Holders, w.Text)
}
