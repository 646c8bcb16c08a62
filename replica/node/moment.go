package node

import (
	"context"
	"errors"
	"fmt"

	"kvd/logical"
	"kvd/replica/host"
	"kvd/replica/ledger"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// moment is the leader as it durably was at one moment, for one command that asks
// about more than a key. It is read beside the loop, on the connection's
// goroutine, and no longer than somebody waits for the answer: every look at it
// fails once the context has ended.
type moment struct {
	*storage.Snapshot
	ctx     context.Context
	applied logical.Frontier
	now     wallclock.Interval
	leader  *Leader
}

var (
	_ ledger.Store      = (*moment)(nil)
	_ ledger.Rows       = (*moment)(nil)
	_ ledger.BriefStore = (*moment)(nil)
)

// ask lends use the present moment. What use found out is written after it has
// returned: a client that takes its answer slowly must not hold a cut.
func (l *Leader) ask(ctx context.Context, use func(*moment) error) error {
	err := l.loop.Snapshot(func(c *storage.Snapshot, applied logical.Frontier) error {
		m := &moment{Snapshot: c, ctx: ctx, applied: applied, now: l.clock.Now().Wall, leader: l}
		return use(m)
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%w; ask another leader", server.ErrDraining)
	case errors.Is(err, host.ErrStopped):
		return fmt.Errorf("%w: %w", server.ErrDraining, err)
	}
	return err
}

// account answers for this moment.
func (m *moment) account() (*ledger.Reader, error) {
	st, _, err := m.State()
	if err != nil {
		return nil, err
	}
	cfg := ledger.Defaults()
	cfg.Policy, cfg.Applied, cfg.Now, cfg.HLC = m.leader.cfg.Policy, m.applied, m.now, st.HLC
	cfg.Agreed = m.leader.loop.Now()
	cfg.Names, cfg.OutOfReach = ledger.Names{Leader: m.leader.nameOf}, m.leader.outOfReach
	if _, cfg.Evicted, err = m.evicted(); err != nil {
		return nil, err
	}
	return ledger.New(cfg, m, m)
}

// about lends use the account of this moment.
func (l *Leader) about(ctx context.Context, use func(*moment, *ledger.Reader) error) error {
	return l.ask(ctx, func(m *moment) error {
		a, err := m.account()
		if err != nil {
			return err
		}
		return use(m, a)
	})
}

// head writes the fields that every answer about a moment begins with.
func (m *moment) head(w *resp.Writer) {
	text(w, "leader", m.leader.cfg.Name)
	text(w, "applied", m.applied.String())
}

func (m *moment) Object(key string) (*resolve.Object, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, err
	}
	return m.Snapshot.Object(key)
}

func (m *moment) Op(d logical.Dot) (*resolve.Op, bool, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, false, err
	}
	return m.Snapshot.Op(d)
}

func (m *moment) BriefOp(d logical.Dot, limit int) (*resolve.Op, int, bool, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, 0, false, err
	}
	return m.Snapshot.BriefOp(d, limit)
}

func (m *moment) Ops(o logical.Origin, from logical.Seq, maxOps, maxBytes int) ([]*resolve.Op, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, err
	}
	return m.Snapshot.Ops(o, from, maxOps, maxBytes)
}
