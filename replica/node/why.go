package node

import (
	"context"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

// tellWhy is KVD.WHY.
func (l *Leader) tellWhy(ctx context.Context, args [][]byte, w *resp.Writer) error {
	var s *ledger.Explanation
	var at *moment
	err := l.about(ctx, func(m *moment, a *ledger.Reader) (err error) {
		at = m
		s, err = a.Why(string(args[1]))
		return err
	})
	if err != nil {
		return err
	}
	w.Map(8)
	at.head(w)
	text(w, "key", s.Key)
	text(w, "serving", s.Serving.String())
	list(w, "values", s.Values, w.Bulk)
	number(w, "lost", int64(s.LostWrites))
	text(w, "text", l.unledgered(explain.Key(s)))
	text(w, "tree", explain.Tree(s))
	return nil
}

// tellFate is KVD.FATE.
func (l *Leader) tellFate(ctx context.Context, args [][]byte, w *resp.Writer) error {
	d, err := logical.ParseDot(string(args[1]))
	if err != nil {
		return err
	}
	var f *ledger.Fate
	var at *moment
	err = l.about(ctx, func(m *moment, a *ledger.Reader) (err error) {
		at = m
		if f, err = a.Fate(d); err == nil && !acl.Of(ctx).Reaches(f.Key) && f.Key != "" {
			err = server.ErrKeyDenied
		}
		return err
	})
	if err != nil {
		return err
	}
	w.Map(10)
	at.head(w)
	text(w, "dot", d.String())
	text(w, "known", f.Known.String())
	textOrNull(w, "key", f.Key) // no key is empty
	valueOrNull(w, &f.Was)
	text(w, "text", l.unledgered(explain.Fate(f)))
	list(w, "verdicts", f.Verdicts, func(v ledger.Verdict) { writeVerdict(w, &v, f.Serving) })
	list(w, "elsewhere", f.Elsewhere, func(c ledger.Content) { writeContents(w, c.Key, c.Kind, c.Value) })
	dotField(w, "settled", f.SettledBy)
	return nil
}

func writeVerdict(w *resp.Writer, v *ledger.Verdict, serving resolve.ID) {
	w.Map(6)
	text(w, "resolver", v.Resolver.String())
	flag(w, "serving", v.Resolver == serving)
	text(w, "state", v.State.String())
	relation := ""
	if v.LossRecord != nil {
		relation = v.LossRecord.Relation.String()
	}
	text(w, "relation", relation)
	dotOrNull(w, "by", v.By)
	text(w, "text", explain.Verdict(v))
}
