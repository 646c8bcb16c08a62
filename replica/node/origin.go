package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/node/internal/feed"
	"kvd/replica/node/internal/identity"
	"kvd/replica/node/internal/known"
	"kvd/resolve"
	"kvd/storage"
)

func (l *Leader) beginOrigin(ctx context.Context) error {
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy, cfg.MaxDrift = replica.Leader(l.cfg.Name), l.cfg.Policy, l.cfg.MaxDrift
	cfg.MaxSiblings, cfg.Quarantine = l.cfg.MaxSiblings, l.cfg.Quarantine
	last, doubt, err := l.recall()
	cfg.Peers = l.known.Others(l.cfg.Name)
	if err == nil && !l.disk.Rebuilt() {
		l.empty, err = l.beginsEmpty()
	}
	if err != nil {
		return err
	}
	if doubt == nil {
		doubt = l.mayResume(ctx, &last)
	}
	if l.origin, l.resumed = last.Origin, doubt == nil; l.resumed {
		cfg.Statuses = last.Statuses
		l.outbox.statuses.Store(last.Statuses)
	} else {
		l.logNewOrigin(last.Origin, doubt)
		l.origin = identity.NewOrigin()
	}
	if err = l.foldAgain(ctx, cfg, last.Statuses); err == nil {
		l.pump, err = l.openPump(cfg)
	}
	if err == nil {
		err = errors.Join(l.disk.Reapply(l.pump, l.clock), l.nameOwn(), l.beginIdentity(last.Statuses))
	}
	if err != nil {
		return err
	}
	l.lossFeed = feed.New(feed.Config{
		Leader: l.cfg.Name, Serves: l.cfg.serves, NameOf: l.nameOf,
		Op: func(d logical.Dot) (*resolve.Op, bool, error) { return l.store.Op(d) },
	})
	l.keepAcks()
	l.loop = host.Start(l.pump, host.LoopConfig{Clock: l.clock, Outbox: &l.outbox, Credit: l.outbox.Credit, Underway: l.outbox.Underway, Observe: l.observe, Cycle: l.metrics.Synced, Held: l.metrics.Held, Halted: l.halted, Warm: true, Published: func() { l.acks.Notify() }})
	l.serving.Go(func() { l.acks.Run(l.loop.Done()) })
	l.disk.Follow(l.loop)
	l.returning = l.beginReturn()
	l.monitor = l.watchDisk()
	l.serving.Go(func() { l.monitor.Run(l.loop.Done()) })
	l.serving.Go(func() {
		<-l.loop.Done()
		l.fail(l.loop.Err())
	})
	l.serving.Go(func() { l.lossFeed.Run(l.loop.Done()) })
	if l.onDisk() {
		l.serving.Go(l.disk.Watch)
		l.serving.Go(l.witness)
	}
	if l.onDisk() && !last.Clean {
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

// recall reads what the last incarnation left beside its data: how it was run, or why its
// origin must not be resumed.
func (l *Leader) recall() (last identity.Run, doubt, err error) {
	l.known, l.origins = known.Members{}, known.NewOrigins()
	if !l.onDisk() {
		return last, identity.ErrNone, nil
	}
	if l.forgotten, err = known.ReadForgotten(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("nobody is forgotten any more", "leader", l.cfg.Name, "why", err.Error())
	}
	if l.origins, err = known.ReadOrigins(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("earlier origins go without names", "leader", l.cfg.Name, "why", err.Error())
	}
	if l.known, err = known.ReadMembers(l.cfg.Dir); err != nil { // whom to ask about the origin
		doubt = fmt.Errorf("who was known is learnt anew: %w", err)
	}
	l.identity = identity.NewKeeper(l.cfg.Dir, l.cfg.StateDir)
	last, err = l.identity.Recall()
	return last, cmp.Or(doubt, err), nil
}

// mayResume is why the origin of the last incarnation must not be used again; nil: it may
// be. What others know is not enough: they never heard of what was acknowledged here alone.
func (l *Leader) mayResume(ctx context.Context, last *identity.Run) error {
	st, _, err := l.store.State()
	if err == nil {
		err = l.disk.Doubt(st.Frontier)
	}
	if err != nil {
		return err
	}
	own := logical.Dot{Origin: last.Origin, Seq: st.Frontier.At(last.Origin)}
	twice, err := l.store.Contested(own.Origin)
	switch {
	case err != nil:
		return err
	case twice:
		return fmt.Errorf("another leader has given dots of origin %s to other writes", own.Origin)
	case own.Seq > 0 && st.Origin != own.Origin:
		return fmt.Errorf("the store was written to under origin %s since", st.Origin)
	}
	if err := last.Ends(own.Seq); err != nil {
		return err
	}
	c := identity.Confirmer{Self: l.cfg.Name, HTTP: l.addrs.HTTP, Own: own, All: l.cfg.StateDir == "", Fetch: l.cfg.statusPage().Fetch}
	silent, err := c.Confirm(ctx, l.known.Pages())
	if err == nil && len(silent) > 0 {
		l.cfg.Logger.Info("resumes its origin, though not everybody could be asked", "leader", l.cfg.Name, "origin", own.Origin.String(), "unasked", silent)
	}
	return err
}

func (l *Leader) logNewOrigin(before logical.Origin, why error) {
	if errors.Is(why, identity.ErrNone) {
		return
	}
	attrs := []any{"leader", l.cfg.Name, "why", why.Error()}
	if before != 0 {
		attrs = append(attrs, "before", before.String())
	}
	l.cfg.Logger.Warn("begins a new origin", attrs...)
}

// openPump takes the origin up where it was left, or begins it. One that accepted nothing
// is not in the store.
func (l *Leader) openPump(cfg replica.Config) (*host.Pump, error) {
	st, _, err := l.store.State()
	switch {
	case err != nil:
		return nil, err
	case st.Frontier.At(l.origin) == 0:
		return host.OpenWith(cfg, l.store, l.origin, l.objects())
	}
	return host.ResumeWith(cfg, l.store, l.objects())
}

// beginIdentity leaves what the next start must know, before anything is accepted.
func (l *Leader) beginIdentity(statuses uint64) error {
	if !l.onDisk() {
		return nil
	}
	if !l.resumed {
		statuses = 0
	}
	unattested, err := l.identity.Begin(identity.Run{
		Origin: l.origin, Seq: l.pump.State().Frontier.At(l.origin), Statuses: statuses, Synced: l.cfg.Storage.Sync == storage.SyncAlways,
	})
	if unattested != nil {
		l.cfg.Logger.Warn("nothing can be attested, so the next start begins a new origin", "leader", l.cfg.Name, "why", unattested.Error())
	}
	return err
}

// witnessEvery is how often it is written down how far the origin has come.
const witnessEvery = 5 * time.Second

// witness keeps that up to date, outside of the data directory.
func (l *Leader) witness() {
	tick := time.NewTicker(witnessEvery)
	defer tick.Stop()
	for failed := false; ; {
		select {
		case <-l.loop.Done():
			return
		case <-tick.C:
		}
		err := l.identity.Witness(l.loop.Frontier().At(l.origin))
		if err != nil && !failed {
			l.cfg.Logger.Warn("how far the log has come is not written down; a restart may not notice that it lost its end", "leader", l.cfg.Name, "why", err.Error())
		}
		failed = err != nil
	}
}

// giveUpOrigin sees to it that the next start begins a new one.
func (l *Leader) giveUpOrigin() error {
	if !l.onDisk() {
		return nil
	}
	return l.identity.Drop()
}
