package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/node/internal/feed"
	"kvd/replica/node/internal/identity"
	"kvd/replica/node/internal/known"
	"kvd/resolve"
)

func (l *Leader) beginOrigin(ctx context.Context) error {
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy, cfg.MaxDrift = replica.Leader(l.cfg.Name), l.cfg.Policy, l.cfg.MaxDrift
	cfg.MaxSiblings = l.cfg.MaxSiblings
	mark, attested, err := l.recall()
	cfg.Peers = l.known.Others(l.cfg.Name)
	if err == nil && !l.disk.Rebuilt() {
		l.empty, err = l.beginsEmpty()
	}
	if err != nil {
		return err
	}
	if mark != nil && l.mayResume(ctx, mark, attested) {
		err = l.resume(cfg, mark)
	} else {
		l.origin = identity.NewOrigin()
		l.pump, err = host.OpenWith(cfg, l.store, l.origin, l.objects())
	}
	if err == nil {
		err = errors.Join(l.disk.Reapply(l.pump, l.clock), l.nameOwn())
	}
	if err != nil {
		return err
	}
	l.lossFeed = feed.New(feed.Config{
		Leader: l.cfg.Name, Serves: l.cfg.serves, NameOf: l.nameOf,
		Op: func(d logical.Dot) (*resolve.Op, bool, error) { return l.store.Op(d) },
	})
	l.loop = host.Start(l.pump, host.LoopConfig{Clock: l.clock, Outbox: &l.outbox, Credit: l.outbox.Credit, Underway: l.outbox.Underway, Observe: l.observe, Cycle: l.metrics.Synced, Halted: l.halted, Warm: true})
	l.disk.Follow(l.loop)
	l.serving.Go(func() {
		<-l.loop.Done()
		l.fail(l.loop.Err())
	})
	l.serving.Go(func() { l.lossFeed.Run(l.loop.Done()) })
	if l.onDisk() {
		l.serving.Go(l.disk.Watch)
	}
	if l.onDisk() && mark == nil {
		l.serving.Go(l.disk.CheckWhole)
	}
	if run := l.disk.Heal(l.blockers.Block); run != nil {
		l.serving.Go(run)
	}
	return nil
}

// objects is how much memory objects take beside the blocks of the store, and what the ledger may take on disk.
func (l *Leader) objects() host.Options {
	s := &l.cfg.Storage
	return host.Options{CacheBytes: s.Cache, Ledger: s.Ledger, NoLedger: s.NoLedger}
}

// recall reads what the last incarnation left beside its data, and whether its stop
// is attested: nil, or why not.
func (l *Leader) recall() (mark *identity.Mark, attested, err error) {
	l.known, l.origins = known.Members{}, known.NewOrigins()
	if !l.onDisk() {
		return nil, nil, nil
	}
	if l.forgotten, err = known.ReadForgotten(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("nobody is forgotten any more", "leader", l.cfg.Name, "why", err.Error())
	}
	if l.origins, err = known.ReadOrigins(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("earlier origins go without names", "leader", l.cfg.Name, "why", err.Error())
	}
	var unknown error // whom to ask about the origin
	if l.known, unknown = known.ReadMembers(l.cfg.Dir); unknown != nil {
		l.cfg.Logger.Warn("who was known is learnt anew, and a new origin begins", "leader", l.cfg.Name, "why", unknown.Error())
	}
	last, err := identity.Recall(l.cfg.Dir, l.cfg.StateDir)
	if last.Unready != nil {
		l.cfg.Logger.Warn("no stop can be attested, so each start takes a new origin", "leader", l.cfg.Name, "why", last.Unready.Error())
	}
	if last.Damaged != nil {
		l.cfg.Logger.Warn("a new origin begins", "leader", l.cfg.Name, "why", last.Damaged.Error())
	}
	return last.Mark, cmp.Or(unknown, last.Attested), err
}

// mayResume reports whether the origin of the mark may be used again. What others
// know is not enough: they never heard of what was acknowledged here alone.
func (l *Leader) mayResume(ctx context.Context, m *identity.Mark, attested error) bool {
	st, _, err := l.store.State()
	if err == nil {
		err = attested
	}
	if err == nil {
		err = l.disk.Doubt(st.Frontier)
	}
	if err == nil && st.Frontier.At(m.Origin) != m.Seq {
		err = fmt.Errorf("the mark says that origin %s ends at %d, and the log ends at %d", m.Origin, m.Seq, st.Frontier.At(m.Origin))
	}
	if err == nil {
		c := identity.Confirmer{Self: l.cfg.Name, Own: logical.Dot{Origin: m.Origin, Seq: m.Seq}, Fetch: l.cfg.statusPage().Fetch}
		err = c.Confirm(ctx, l.known.Pages())
	}
	if err != nil {
		l.cfg.Logger.Info("begins a new origin", "leader", l.cfg.Name, "before", m.Origin.String(), "why", err.Error())
	}
	return err == nil
}

// resume takes the origin up where it was left. One that accepted nothing is not in
// the store.
func (l *Leader) resume(cfg replica.Config, m *identity.Mark) (err error) {
	l.origin, l.resumed, cfg.Statuses = m.Origin, true, m.Statuses
	l.outbox.statuses.Store(m.Statuses)
	if m.Seq == 0 {
		l.pump, err = host.OpenWith(cfg, l.store, m.Origin, l.objects())
	} else {
		l.pump, err = host.ResumeWith(cfg, l.store, l.objects())
	}
	if err == nil && l.pump.State().Origin != m.Origin {
		err = errors.Join(fmt.Errorf("the store is in origin %s and the mark in %s", l.pump.State().Origin, m.Origin), l.pump.Close())
	}
	return err
}
