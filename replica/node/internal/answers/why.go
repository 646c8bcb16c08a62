package answers

import (
	"context"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/node/internal/fields"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

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
	w.Map(8)
	at.head(w)
	fields.Text(w, "key", s.Key)
	fields.Text(w, "serving", s.Serving.String())
	fields.List(w, "values", s.Values, w.Bulk)
	fields.Number(w, "lost", int64(s.LostWrites))
	fields.Text(w, "text", an.unledgered(explain.Key(s)))
	fields.Text(w, "tree", explain.Tree(s))
	return nil
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
