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
	"kvd/resolve"
)

// beginLife goes on with the last life or begins a new one, and starts the loop.
func (l *Leader) beginLife(ctx context.Context) error {
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy, cfg.MaxDrift = replica.Leader(l.cfg.Name), l.cfg.Policy, l.cfg.MaxDrift
	cfg.MaxSiblings = l.cfg.MaxSiblings
	mark, attested, err := l.recall()
	cfg.Peers = l.known.others(l.cfg.Name)
	if err == nil && l.damage.what == "" {
		l.empty, err = l.beginsEmpty()
	}
	if err != nil {
		return err
	}
	if mark != nil && l.mayGoOn(ctx, mark, attested) {
		err = l.goOn(cfg, mark)
	} else {
		l.life = newLife()
		l.pump, err = host.OpenWith(cfg, l.store, l.life, l.objects())
	}
	if err == nil {
		err = errors.Join(l.recover(), l.nameOwn())
	}
	if err != nil {
		return err
	}
	l.lossFeed = feed.New(feed.Config{
		Leader: l.cfg.Name, Serves: l.cfg.serves, NameOf: l.nameOf,
		Op: func(d logical.Dot) (*resolve.Op, bool, error) { return l.store.Op(d) },
	})
	l.loop = host.Start(l.pump, host.LoopConfig{Clock: l.clock, Outbox: &l.outbox, Credit: l.outbox.Credit, Underway: l.outbox.Underway, Observe: l.observe, Cycle: l.metrics.Synced, Halted: l.halted})
	l.serving.Go(func() {
		<-l.loop.Done()
		l.fail(l.loop.Err())
	})
	l.serving.Go(func() { l.lossFeed.Run(l.loop.Done()) })
	if l.onDisk() {
		l.serving.Go(l.watchStore)
	}
	if l.onDisk() && mark == nil {
		l.serving.Go(l.checkWhole)
	}
	l.heal()
	return nil
}

// objects is how much memory decoded objects take beside the blocks they are
// decoded from, and what the ledger may take on disk.
func (l *Leader) objects() host.Options {
	s := &l.cfg.Storage
	return host.Options{CacheBytes: s.Cache / 4, Ledger: s.Ledger, NoLedger: s.NoLedger}
}

// recall reads what the last life left beside its data, and whether its stop is
// attested: nil, or why not.
func (l *Leader) recall() (mark *cleanMark, attested, err error) {
	l.known, l.names = acquaintances{}, &names{of: map[logical.Origin]string{}}
	if !l.onDisk() {
		return nil, nil, nil
	}
	if l.forgotten, err = readForgotten(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("nobody is forgotten any more", "leader", l.cfg.Name, "why", err.Error())
	}
	if l.names, err = readNames(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("earlier lives go without names", "leader", l.cfg.Name, "why", err.Error())
	}
	var unknown error // whom to ask about the origin
	if l.known, unknown = readAcquaintances(l.cfg.Dir); unknown != nil {
		l.cfg.Logger.Warn("who was known is learnt anew, and a new life begins", "leader", l.cfg.Name, "why", unknown.Error())
	}
	said, attested := l.attester().take()
	if err := l.attester().ready(); err != nil {
		l.cfg.Logger.Warn("no stop can be attested, so each start takes a new origin", "leader", l.cfg.Name, "why", err.Error())
	}
	mark, damaged, err := takeMark(l.cfg.Dir)
	if damaged != nil {
		l.cfg.Logger.Warn("a new life begins", "leader", l.cfg.Name, "why", damaged.Error())
	}
	if mark != nil && attested == nil {
		attested = said.agrees(mark)
	}
	return mark, cmp.Or(unknown, attested), err
}

func (l *Leader) attester() *attester { return &attester{dir: l.cfg.Dir, state: l.cfg.StateDir} }

// mayGoOn reports whether the origin of the mark may be used again. What others
// know is not enough: they never heard of what was acknowledged here alone.
func (l *Leader) mayGoOn(ctx context.Context, m *cleanMark, attested error) bool {
	st, _, err := l.store.State()
	if err == nil {
		err = attested
	}
	if lost := missing(l.damage.claimed, st.Frontier); err == nil && (l.damage.what != "" || len(lost) > 0) {
		err = fmt.Errorf("the store was damaged: %s; what it lacks may have gone to others under the origin", l.tellMissing(lost))
	}
	if err == nil {
		err = l.store.Damage()
	}
	if err == nil && st.Frontier.At(m.Origin) != m.Seq {
		err = fmt.Errorf("the mark says that origin %s ends at %d, and the log ends at %d", m.Origin, m.Seq, st.Frontier.At(m.Origin))
	}
	if err == nil {
		c := confirmer{self: l.cfg.Name, own: logical.Dot{Origin: m.Origin, Seq: m.Seq}, fetch: l.cfg.fetch}
		err = c.confirm(ctx, l.known)
	}
	if err != nil {
		l.cfg.Logger.Info("begins a new life", "leader", l.cfg.Name, "before", m.Origin.String(), "why", err.Error())
	}
	return err == nil
}

// goOn takes the life up where it was left. One that accepted nothing is not in
// the store.
func (l *Leader) goOn(cfg replica.Config, m *cleanMark) (err error) {
	l.life, l.resumed, cfg.Statuses = m.Origin, true, m.Statuses
	l.outbox.statuses.Store(m.Statuses)
	if m.Seq == 0 {
		l.pump, err = host.OpenWith(cfg, l.store, m.Origin, l.objects())
	} else {
		l.pump, err = host.ResumeWith(cfg, l.store, l.objects())
	}
	if err == nil && l.pump.State().Origin != m.Origin {
		err = errors.Join(fmt.Errorf("the store is in life %s and the mark in %s", l.pump.State().Origin, m.Origin), l.pump.Close())
	}
	return err
}
