package leader

import (
	"cmp"
	"slices"

	"kvd/logical"
	"kvd/replica/account"
	"kvd/resolve"
)

// LossesFrom yields the ledger's rows from a place on.
func (m *moment) LossesFrom(key string, d logical.Dot, yield func(resolve.Loss) bool) error {
	var rows []resolve.Loss
	from := account.Cursor{Key: key, Loser: d}
	err := m.Losses(func(l resolve.Loss) bool {
		if account.CursorOf(&l).Compare(from) >= 0 {
			rows = append(rows, l)
		}
		return m.ctx.Err() == nil
	})
	slices.SortFunc(rows, func(a, b resolve.Loss) int { return account.CursorOf(&a).Compare(account.CursorOf(&b)) })
	for _, l := range rows {
		if !yield(l) {
			break
		}
	}
	return cmp.Or(err, m.ctx.Err())
}

// shed is how many rows this leader's ledger has given up, and under whom.
func (m *moment) shed() (rows int64, by [16]int64) { return 0, by }
