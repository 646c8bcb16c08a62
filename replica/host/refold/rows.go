package refold

import (
	"context"
	"errors"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage/losses"
)

// forgetEvicted counts as retracted the verdicts that the ledger gave up, of those who judge
// no key any more that they judged before: what they lose is counted from the begin. Done
// twice it is done once.
func (r *run) forgetEvicted() error {
	if r.j.Step.Prepared {
		return nil
	}
	h, err := r.store.LedgerStats()
	if err != nil || h == (losses.Stats{}) {
		return err
	}
	anew := resolve.All
	for _, p := range r.prefixes() {
		if c, changes := r.changeOf(p); changes {
			anew &^= c.keep
		} else {
			anew &^= c.to.Mask() | r.to.Panel(p).Mask()
		}
	}
	left := false
	for id := range h.Evicted.Verdicts {
		if v := &h.Evicted.Verdicts[id]; anew&(1<<id) != 0 {
			h.Retracted[id][0] += v[0]
			h.Retracted[id][1] += v[1]
			*v = [2]int64{}
		} else {
			left = left || *v != [2]int64{}
		}
	}
	if !left {
		h.Evicted = losses.Evicted{}
	}
	b := r.store.NewBatch()
	b.PutLedgerStats(&h)
	return errors.Join(b.CommitUnsynced(), b.Close())
}

// rows takes back verdicts about keys concerned. What the log holds is judged anew, by
// whoever did not judge before. A write that it does not hold nobody can judge any more:
// what was said of it stays, unless it is shown again.
func (r *run) rows(ctx context.Context, a *folder) error {
	n := 0
	rest := func() error {
		n = 0
		r.tell(0)
		return errors.Join(a.commit(r.j), ctx.Err())
	}
	var failed error
	err := r.store.Oldest(0, func(row *losses.Row, _ int64) bool {
		c, changes := r.changeOf(row.Key)
		if !changes {
			return true
		}
		gone := row.Resolvers() &^ c.keep
		if !r.logged(row.Loser) {
			o, err := r.store.Object(row.Key)
			if err != nil {
				failed = err
				return false
			}
			live := resolve.Mask(0)
			if i, ok := o.Find(row.Loser); ok {
				live = o.Versions[i].Mask
			}
			gone &= live
		}
		if gone != 0 {
			a.put(replica.DropLoss{Resolvers: gone, Key: row.Key, Loser: row.Loser})
			n++
		}
		if v, lost := row.Verdict(c.to.Serving); lost && gone&c.to.Serving.Mask() == 0 && c.from.Serving != c.to.Serving && r.logged(row.Loser) {
			// the same once more, so that what is known of the write is kept with it
			a.put(replica.PutLoss{Resolvers: c.to.Serving.Mask(), Relation: v.Relation, Key: row.Key, Loser: row.Loser, Winner: v.Winner, At: v.At})
			n++
		}
		if failed = a.overlay.CatchUp(); failed == nil && n >= r.Pace {
			failed = rest()
		}
		return failed == nil
	})
	r.j.Step.Prepared = errors.Join(err, failed) == nil
	return errors.Join(err, failed, rest())
}
