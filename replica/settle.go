package replica

import (
	"fmt"

	"kvd/logical"
	"kvd/replica/internal/settlement"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// Settlement says what becomes of a dot with several contents (Request.Settlement).
type Settlement = settlement.Settlement

// KeepShown as Settlement.Chosen keeps what the keys show, and none of the contents.
const KeepShown = settlement.KeepShown

// Seen is what whoever looked at the contents has seen: a leader that has not applied
// all of it waits.
func Seen(s *Settlement) (t Token) {
	for _, c := range s.Contents {
		t = t.Join(Token{Frontier: c.Deps, Lamport: c.Lamport, HLC: c.HLC})
	}
	t.Lamport = min(t.Lamport, maxLamport)
	return t
}

// settled is one key of a settlement: the deletion that comes first, and what the key is
// given again.
type settled struct {
	panel    resolve.Panel
	deletion resolve.Op
	values   []settlement.Value
}

// settle serves a Settle. Nothing is accepted before all of it is known to be possible.
func (t *turn) settle(q *Request) {
	if err := t.readOnly(q.Verb, q.Key); err != nil {
		t.refuse(q, err)
		return
	}
	var all []settled
	for _, key := range q.Settlement.Keys() {
		s, err := t.planSettlement(q.Settlement, key)
		if err != nil {
			t.refuse(q, fmt.Errorf("%s %.64q: %w", q.Verb, key, err))
			return
		}
		all = append(all, s)
	}
	var last *resolve.Op
	for i := range all {
		last = t.settleKey(&all[i], q.Settlement.Contents[0].Dot)
	}
	t.reply(Reply{ID: q.ID, Dot: last.Dot, Over: last.Parents, Wall: last.Wall, Token: t.token()})
}

// planSettlement is what would be accepted for one key.
func (t *turn) planSettlement(s *Settlement, key string) (p settled, err error) {
	p.panel = t.panel(key)
	here := settlement.Here{Panel: p.panel, Object: t.r.Object(key), History: t.r, Now: t.now()}
	contents := s.Of(key)
	if err := t.beats(contents); err != nil {
		return p, err
	}
	if p.deletion, err = settlement.Deletion(p.panel, here.Object, contents, t.r); err != nil {
		return p, err
	}
	if n := max(len(p.deletion.Parents), len(p.deletion.Hidden)); n > limits.Dots {
		return p, fmt.Errorf("%w: it would go over %d versions, one op can name %d; merge some of them first", ErrBadRequest, n, limits.Dots)
	}
	if err := t.oversize(&p.deletion); err != nil {
		return p, err
	}
	if p.values, err = s.Values(here); err != nil {
		return p, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	for _, v := range p.values {
		if err := t.oversize(&resolve.Op{Key: key, Value: v.Bytes, Parents: make([]logical.Dot, 1)}); err != nil {
			return p, err
		}
	}
	return p, nil
}

// beats is why what this leader stamps now would not beat the contents everywhere; nil:
// it would.
func (t *turn) beats(contents []*resolve.Op) error {
	for _, c := range contents {
		wall, hlc, lamport := c.Stamps()
		if ahead := wall.Midpoint().Sub(t.m.Wall.Midpoint()); ahead >= 0 {
			return fmt.Errorf("%w: a content of %s was written at a time that this leader's clock reaches only in %s; ask again then, or another leader",
				ErrBehind, c.Dot, ahead)
		}
		if hlc.Compare(t.st.HLC) > 0 && hlc.Wall >= int64(t.m.Wall.Midpoint()) || lamport > t.st.Lamport {
			return fmt.Errorf("%w: a content of %s has a logical stamp that this leader has not reached; ask again later, or another leader", ErrBehind, c.Dot)
		}
	}
	return nil
}

// settleKey accepts the ops for one key, and gives the last.
func (t *turn) settleKey(s *settled, dot logical.Dot) *resolve.Op {
	last := &s.deletion
	last.Settles = dot
	t.accept(s.panel, t.r.Object(last.Key), last)
	for _, v := range s.values {
		object := t.r.Object(last.Key)
		in := resolve.Intent{Kind: resolve.Put, Value: v.Bytes, Expires: v.Expires, Now: t.now(), Exact: true, Shown: []logical.Dot{s.deletion.Dot}}
		op, err := s.panel.Draft(object, t.st.Origin, in, t.r)
		if err != nil {
			panic("replica: a value that the key held is refused: " + err.Error())
		}
		op.Settles = dot
		last = &op
		t.accept(s.panel, object, last)
	}
	return last
}
