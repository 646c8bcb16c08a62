package answers

import (
	"context"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

// tellLosses is KVD.LOSSES.
func (an *Answers) tellLosses(ctx context.Context, args [][]byte, w *resp.Writer) error {
	f, count, err := readFilter(args[1:])
	if err != nil {
		return err
	}
	f.Keys = acl.Of(ctx).Reads
	var rows []ledger.LossRecord
	var next string // page; empty: no more
	var evicted int64
	at, err := an.about(ctx, func(snap *snapshot, reader *ledger.Reader) (err error) {
		if evicted, _, err = snap.evicted(); err != nil {
			return err
		}
		return reader.Losses(f, func(d ledger.LossRecord) bool {
			if len(rows) == count { // one more than fits says that there is a next page
				next = ledger.CursorOf(&rows[count-1].Loss).String()
				return false
			}
			rows = append(rows, d)
			return true
		})
	})
	if err != nil {
		return err
	}
	w.Map(6)
	at.head(w)
	fields.Number(w, "now", int64(at.now.Midpoint()))
	fields.Number(w, "evicted", evicted)
	fields.List(w, "rows", rows, func(d ledger.LossRecord) { writeLoss(w, &d, an.cfg.Policy.Panel(d.Key).Serving) })
	fields.TextOrNull(w, "next", next)
	return nil
}

// readFilter reads which losses are asked for, and how many at most.
func readFilter(args [][]byte) (f ledger.Filter, count int, err error) {
	o, err := options.Read(args, options.Option{Name: "PREFIX", Values: 1}, options.Option{Name: "SINCE", Values: 1}, options.Option{Name: "RELATION", Values: 1},
		options.Option{Name: "RESOLVER", Values: 1}, options.Option{Name: "COUNT", Values: 1}, options.Option{Name: "AFTER", Values: 1})
	if err != nil {
		return f, 0, err
	}
	f.Prefix = o.One("PREFIX")
	if f.Since, err = o.Instant("SINCE"); err != nil {
		return f, 0, err
	}
	if f.Relations, err = o.Relations(); err != nil {
		return f, 0, err
	}
	if f.Resolvers, err = o.Resolvers(); err != nil {
		return f, 0, err
	}
	if o.Has("AFTER") {
		if f.After, err = ledger.ParseCursor(o.One("AFTER")); err != nil {
			return f, 0, err
		}
	}
	count, err = o.Count("COUNT", defaultLosses, maxLosses)
	return f, count, err
}

func writeLoss(w *resp.Writer, d *ledger.LossRecord, serving resolve.ID) {
	w.Map(17)
	fields.Text(w, "resolver", d.Resolver.String())
	fields.Flag(w, "serving", d.Resolver == serving)
	fields.Text(w, "relation", d.Relation.String())
	fields.Text(w, "class", d.Class().String())
	fields.Text(w, "key", d.Key)
	fields.Text(w, "loser", d.Loser.String())
	fields.DotOrNull(w, "winner", d.Winner)
	fields.Number(w, "at", int64(d.At.Midpoint()))
	fields.Number(w, "error", int64(d.At.HalfWidth()))
	valueOrNull(w, &d.Was)
	fields.Number(w, "size", int64(d.Was.Size))
	fields.Text(w, "kind", d.Was.Kind.String())
	fields.Number(w, "delta", d.Was.Delta)
	fields.Text(w, "leader", d.Was.Leader)
	fields.Text(w, "client", fields.ClientName(d.Was.Client))
	fields.Number(w, "wall", int64(d.Was.Wall.Midpoint()))
	fields.Text(w, "text", explain.Loss(d))
}

// valueOrNull writes as much of the value as is told; null: it is a deletion, or
// nothing is left of it.
func valueOrNull(w *resp.Writer, was *ledger.Write) {
	if w.Text("value"); was.Kind == 0 || was.Kind == resolve.Delete {
		w.Null()
	} else {
		w.Bulk(was.Value)
	}
}

// tellWhy is KVD.WHY.
func (an *Answers) tellWhy(ctx context.Context, args [][]byte, w *resp.Writer) error {
	var s *ledger.Explanation
	at, err := an.about(ctx, func(_ *snapshot, reader *ledger.Reader) (err error) {
		s, err = reader.Why(string(args[1]))
		return err
	})
	if err != nil {
		return err
	}
	w.Map(10)
	at.head(w)
	fields.Number(w, "removed", int64(s.Collected))
	fields.Text(w, "key", s.Key)
	fields.Text(w, "serving", s.Serving.String())
	fields.List(w, "values", s.Values, w.Bulk)
	fields.Number(w, "lost", int64(s.LostWrites))
	fields.Text(w, "text", an.unledgered(explain.Key(s)))
	fields.Text(w, "tree", explain.Tree(s))
	fields.List(w, "groups", s.Groups, func(g ledger.LossGroup) { writeGroup(w, &g, s.Serving) })
	return nil
}

func writeGroup(w *resp.Writer, g *ledger.LossGroup, serving resolve.ID) {
	w.Map(8)
	fields.Text(w, "resolver", g.Resolver.String())
	fields.Flag(w, "serving", g.Resolver == serving)
	fields.Text(w, "relation", g.Relation.String())
	fields.Text(w, "leader", g.Leader)
	fields.DotOrNull(w, "winner", g.Winner)
	fields.Number(w, "writes", int64(g.Writes))
	fields.Number(w, "from", int64(g.From))
	fields.Number(w, "to", int64(g.To))
}

// tellFate is KVD.FATE.
func (an *Answers) tellFate(ctx context.Context, args [][]byte, w *resp.Writer) error {
	d, err := logical.ParseDot(string(args[1]))
	if err != nil {
		return err
	}
	var f *ledger.Fate
	at, err := an.about(ctx, func(_ *snapshot, reader *ledger.Reader) (err error) {
		if f, err = reader.Fate(d); err == nil && !acl.Of(ctx).Reaches(f.Key) && f.Key != "" {
			err = server.ErrKeyDenied
		}
		return err
	})
	if err != nil {
		return err
	}
	w.Map(10)
	at.head(w)
	fields.Text(w, "dot", d.String())
	fields.Text(w, "known", f.Known.String())
	fields.TextOrNull(w, "key", f.Key) // no key is empty
	valueOrNull(w, &f.Was)
	fields.Text(w, "text", an.unledgered(explain.Fate(f)))
	fields.List(w, "verdicts", f.Verdicts, func(v ledger.Verdict) { writeVerdict(w, &v, f.Serving) })
	fields.List(w, "elsewhere", f.Elsewhere, func(c ledger.Content) { writeContents(w, c.Key, c.Kind, c.Value) })
	fields.DotOrNull(w, "settled", f.SettledBy)
	return nil
}

func writeVerdict(w *resp.Writer, v *ledger.Verdict, serving resolve.ID) {
	w.Map(6)
	fields.Text(w, "resolver", v.Resolver.String())
	fields.Flag(w, "serving", v.Resolver == serving)
	fields.Text(w, "state", v.State.String())
	relation := ""
	if v.LossRecord != nil {
		relation = v.LossRecord.Relation.String()
	}
	fields.Text(w, "relation", relation)
	fields.DotOrNull(w, "by", v.By)
	fields.Text(w, "text", explain.Verdict(v))
}
