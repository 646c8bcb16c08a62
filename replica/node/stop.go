package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kvd/replica/member"
	"kvd/storage"
)

// Quiesce ends what clients see and waits until some other leader durably has
// whatever only this one has, as long as ctx allows:
//
//	not ready ─▶ stop accepting ─▶ finish what is in flight ─▶ wait for the others
//
// It returns how many ops no other leader is known to have.
func (l *Leader) Quiesce(ctx context.Context) (unshared int, err error) {
	l.draining.Store(true)
	err = l.resp.Shutdown(ctx)
	poll := time.NewTicker(pollOthers)
	defer poll.Stop()
	for {
		if unshared = l.unshared(); unshared == 0 || l.onlyOne() || l.returning.Away() || l.loop.Err() != nil {
			return unshared, err
		}
		select {
		case <-poll.C:
		case <-l.loop.Done():
			return unshared, err
		case <-ctx.Done():
			return unshared, err
		}
	}
}

// pollOthers is how often a draining leader checks what the others have by now, and
// whether anybody is left.
const pollOthers = 10 * time.Millisecond

// onlyOne reports whether there is no other leader to wait for. One that failed may
// come back, one that left will not.
func (l *Leader) onlyOne() bool {
	return !slices.ContainsFunc(l.withoutForgotten(l.members.View()).Members, func(m member.Member) bool {
		return m.Name != l.cfg.Name && m.Status != member.Left
	})
}

// Stop takes the leader down in order: links, gossip, loop, pages, store; and
// last, if all of it went well, attests that the stop was a clean one. It waits for no other
// leader; Quiesce does. ctx bounds how long goodbyes may take. A second call waits for
// the first and returns the same.
func (l *Leader) Stop(ctx context.Context) error {
	l.stopping.Do(func() { l.stopped = l.stop(ctx) })
	return l.stopped
}

func (l *Leader) stop(ctx context.Context) error {
	l.draining.Store(true)
	errs := []error{l.resp.Shutdown(ctx), l.sender.Close(), l.backups.Close(), l.locks.Load().Close()}
	l.repairs.Close()
	l.policies.Close()
	// Links close before gossip leaves: a peer that hears of our leaving refuses our
	// connections, and we would redial until everybody has heard.
	if err := l.mesh.Close(ctx); err != nil {
		l.cfg.Logger.Info("some messages were not sent; they will be again", "leader", l.cfg.Name, "why", err.Error())
	}
	if err := l.members.Leave(ctx); err != nil {
		l.cfg.Logger.Warn("left without a word", "leader", l.cfg.Name, "why", err.Error())
	}
	l.clock.Close()
	errs = append(errs, l.members.Close(), l.loop.Stop(context.Background()), l.console.Shutdown(ctx))
	l.serving.Wait()
	f := l.loop.Frontier()
	own := f.At(l.origin)
	contested, err := l.store.Contested(l.origin) // the other holder may give more dots
	errs = append(errs, err, l.pump.Close(), l.store.Close())
	if err := errors.Join(errs...); err != nil {
		if l.cfg.Storage.Sync != storage.SyncAlways {
			err = errors.Join(err, l.giveUpOrigin()) // what was acknowledged may be gone
		}
		return fmt.Errorf("stop %s: %w", l.cfg.Name, err)
	}
	if !l.onDisk() {
		return nil
	}
	if err := l.disk.Keep(f); err != nil {
		return err
	}
	if l.renewing.Load() || contested || l.originShared() {
		return l.giveUpOrigin()
	}
	if err := l.identity.End(own, l.outbox.statuses.Load()); err != nil {
		l.cfg.Logger.Info("the stop is not attested, and counts as a crash", "leader", l.cfg.Name, "why", err.Error())
	}
	return nil
}

func (l *Leader) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if l.clock != nil {
		l.clock.Close()
	}
	if s := l.locks.Load(); s != nil {
		_ = s.Close()
	}
	if l.members != nil {
		_ = l.members.Close() // the start failed, and says why
	}
	l.policies.Close()
	if l.mesh != nil {
		_ = l.mesh.Close(ctx)
	}
	if l.repairs != nil {
		l.repairs.Close()
	}
	if l.loop != nil {
		_ = l.loop.Stop(ctx)
	}
	if l.console != nil {
		_ = l.console.Shutdown(ctx)
	}
	for _, ln := range []interface{ Close() error }{l.listeners.resp, l.listeners.http, l.listeners.peer} {
		if ln != nil {
			_ = ln.Close()
		}
	}
	l.serving.Wait()
	if l.backups != nil {
		_, _ = l.sender.Close(), l.backups.Close()
	}
	if l.pump != nil {
		_ = l.pump.Close()
	}
	if l.store != nil {
		_ = l.store.Close()
	}
}
