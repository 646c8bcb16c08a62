package node

import (
	"context"

	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/resp"
	"kvd/resolve"
)

// page is a part of the ledger, gathered.
type page struct {
	rows []ledger.LossRecord
	next string // empty: no more
}

// tellLosses is KVD.LOSSES.
func (l *Leader) tellLosses(ctx context.Context, args [][]byte, w *resp.Writer) error {
	f, count, err := readFilter(args[1:])
	if err != nil {
		return err
	}
	f.Keys = acl.Of(ctx).Reads
	var p page
	var at *moment
	var evicted int64
	err = l.about(ctx, func(m *moment, a *ledger.Reader) (err error) {
		at = m
		if evicted, _, err = m.evicted(); err != nil {
			return err
		}
		return a.Losses(f, func(d ledger.LossRecord) bool { return p.take(d, count) })
	})
	if err != nil {
		return err
	}
	w.Map(6)
	at.head(w)
	number(w, "now", int64(at.now.Midpoint()))
	number(w, "evicted", evicted)
	w.Text("rows")
	w.Array(len(p.rows))
	for i := range p.rows {
		writeLoss(w, &p.rows[i], l.cfg.Policy.Panel(p.rows[i].Key).Serving)
	}
	textOrNull(w, "next", p.next)
	return nil
}

// take adds a row and reports whether more are wanted. One more than fits says
// that there is a next page.
func (p *page) take(d ledger.LossRecord, count int) bool {
	if len(p.rows) == count {
		p.next = ledger.CursorOf(&p.rows[count-1].Loss).String()
		return false
	}
	p.rows = append(p.rows, d)
	return true
}

// readFilter reads which losses are asked for, and how many at most.
func readFilter(args [][]byte) (f ledger.Filter, count int, err error) {
	o, err := options(args, option{name: "PREFIX", values: 1}, option{name: "SINCE", values: 1}, option{name: "RELATION", values: 1},
		option{name: "RESOLVER", values: 1}, option{name: "COUNT", values: 1}, option{name: "AFTER", values: 1})
	if err != nil {
		return f, 0, err
	}
	f.Prefix = o.one("PREFIX")
	if f.Since, err = o.instant("SINCE"); err != nil {
		return f, 0, err
	}
	if f.Relations, err = o.relations(); err != nil {
		return f, 0, err
	}
	if f.Resolvers, err = o.resolvers(); err != nil {
		return f, 0, err
	}
	if o["AFTER"] != nil {
		if f.After, err = ledger.ParseCursor(o.one("AFTER")); err != nil {
			return f, 0, err
		}
	}
	count, err = o.count("COUNT", defaultLosses, maxLosses)
	return f, count, err
}

func writeLoss(w *resp.Writer, d *ledger.LossRecord, serving resolve.ID) {
	w.Map(17)
	text(w, "resolver", d.Resolver.String())
	flag(w, "serving", d.Resolver == serving)
	text(w, "relation", d.Relation.String())
	text(w, "class", d.Class().String())
	text(w, "key", d.Key)
	text(w, "loser", d.Loser.String())
	dotOrNull(w, "winner", d.Winner)
	number(w, "at", int64(d.At.Midpoint()))
	number(w, "error", int64(d.At.HalfWidth()))
	valueOrNull(w, &d.Was)
	number(w, "size", int64(d.Was.Size))
	text(w, "kind", d.Was.Kind.String())
	number(w, "delta", d.Was.Delta)
	text(w, "leader", d.Was.Leader)
	text(w, "client", clientName(d.Was.Client))
	number(w, "wall", int64(d.Was.Wall.Midpoint()))
	text(w, "text", explain.Loss(d))
}
