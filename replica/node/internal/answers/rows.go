package answers

import (
	"cmp"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/resolve"
	"kvd/storage/losses"
)

// LossesFrom yields the ledger's verdicts from one write on.
func (snap *snapshot) LossesFrom(key string, d logical.Dot, yield func(resolve.Loss) bool) error {
	more := true
	each := func(r *losses.Row) bool {
		for l := range r.Losses {
			if more = more && snap.ctx.Err() == nil && yield(l); !more {
				break
			}
		}
		return more
	}
	if !d.IsZero() { // Rows begins behind the row it is given
		switch r, found, err := snap.RowOf(key, d); {
		case err != nil:
			return err
		case found && !each(r):
			return snap.ctx.Err()
		}
	}
	err := snap.Rows(losses.ID{Key: key, Loser: d}, each)
	return cmp.Or(err, snap.ctx.Err())
}

// Evidence is what the row of d keeps of the write.
func (snap *snapshot) Evidence(key string, d logical.Dot) (ledger.Write, bool, error) {
	r, found, err := snap.RowOf(key, d)
	if err != nil || !found || r.Evidence == nil {
		return ledger.Write{}, false, err
	}
	e := r.Evidence
	return ledger.Write{Kind: e.Kind, Value: e.Value, Size: e.Size, Delta: e.Delta, Expires: e.Expires,
		Wall: e.Stamps.Wall, HLC: e.Stamps.HLC, Lamport: e.Stamps.Lamport, Client: e.Client}, true, nil
}

// evicted is how many rows this leader's ledger has given up, and how many verdicts
// of each resolver.
func (snap *snapshot) evicted() (rows int64, by [16]int64, err error) {
	h, err := snap.LedgerStats()
	for id, classes := range h.Evicted.Verdicts {
		by[id] = classes[0] + classes[1]
	}
	return h.Evicted.Rows, by, err
}
