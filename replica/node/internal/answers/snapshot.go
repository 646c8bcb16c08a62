package answers

import (
	"cmp"
	"context"
	"fmt"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/replica/node/internal/fields"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// snapshot is the leader as it durably was at one instant, for one command that asks
// about more than a key. It is read on the connection's goroutine, without the loop,
// and no longer than somebody waits for the answer: every read fails once the context
// has ended.
type snapshot struct {
	*storage.Snapshot
	ctx     context.Context
	applied logical.Frontier
	now     wallclock.Interval
	of      *Answers
}

var (
	_ ledger.Store = (*snapshot)(nil)
	_ ledger.Rows  = (*snapshot)(nil)
)

// ask lends use the present snapshot; what it returns has only its head left. What use
// found out is written after it has returned: a client that takes its answer slowly must
// not keep a snapshot open.
func (an *Answers) ask(ctx context.Context, use func(*snapshot) error) (at *snapshot, err error) {
	err = an.cfg.Loop.Snapshot(func(c *storage.Snapshot, applied logical.Frontier) error {
		at = &snapshot{Snapshot: c, ctx: ctx, applied: applied, now: an.cfg.Clock.Now().Wall, of: an}
		return use(at)
	})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w; ask another leader", resp.ErrDraining)
	}
	return at, Draining(err)
}

func (s *snapshot) reader() (*ledger.Reader, error) {
	st, _, err := s.State()
	if err != nil {
		return nil, err
	}
	cfg := ledger.Defaults()
	cfg.Policy, cfg.Applied, cfg.Now, cfg.HLC = s.of.cfg.Policy, s.applied, s.now, st.HLC
	cfg.Removed = s.of.removed()
	cfg.Agreed = s.of.cfg.Loop.Now()
	cfg.Names, cfg.OutOfReach = ledger.Names{Leader: s.of.cfg.NameOf}, s.of.cfg.OutOfReach
	if _, cfg.Evicted, err = s.evicted(); err != nil {
		return nil, err
	}
	return ledger.New(cfg, s, s)
}

// removed is what the log does not keep any more.
func (an *Answers) removed() (none logical.Frontier) {
	if log := an.cfg.Store.Log(); log != nil {
		return log.Removed()
	}
	return none
}

// about lends use the reader of this snapshot.
func (an *Answers) about(ctx context.Context, use func(*snapshot, *ledger.Reader) error) (*snapshot, error) {
	return an.ask(ctx, func(s *snapshot) error {
		r, err := s.reader()
		if err != nil {
			return err
		}
		return use(s, r)
	})
}

// head writes the fields that every answer begins with.
func (s *snapshot) head(w *resp.Writer) {
	fields.Text(w, "leader", s.of.cfg.Name)
	fields.Text(w, "applied", s.applied.String())
}

func (s *snapshot) Object(key string) (*resolve.Object, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	return s.Snapshot.Object(key)
}

func (s *snapshot) Op(d logical.Dot) (*resolve.Op, bool, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, false, err
	}
	return s.Snapshot.Op(d)
}

func (s *snapshot) BriefOp(d logical.Dot, limit int) (*resolve.Op, int, bool, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, 0, false, err
	}
	return s.Snapshot.BriefOp(d, limit)
}

func (s *snapshot) Ops(o logical.Origin, from logical.Seq, maxOps, maxBytes int) ([]*resolve.Op, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	return s.Snapshot.Ops(o, from, maxOps, maxBytes)
}

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
