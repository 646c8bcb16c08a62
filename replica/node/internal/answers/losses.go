package answers

import (
	"context"

	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
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
