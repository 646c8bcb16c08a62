package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/link"
	"kvd/replica/member"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/identity"
	"kvd/replica/resp"
	"kvd/replica/wire"
	"kvd/resolve"
)

// ErrRenew is given by Broken when a leader was asked to take a new origin: whoever
// runs it stops it and starts it again.
var ErrRenew = errors.New("it was asked to begin again under a new origin")

// onLinkEvent is told what the links find out, and passes on that an origin is shared.
func (l *Leader) onLinkEvent(e link.Event) {
	in := replica.OriginShared{Origin: l.origin}
	refused, turnedAway := errors.AsType[*link.RefusedError](e.Err)
	if turnedAway && refused.Reason == wire.OtherPolicy && e.Peer != "" {
		l.policies.Meet(e.Peer)
	}
	switch {
	case e.Kind == link.Shared && e.Lost:
		in.Detail = e.Err.Error()
	case e.Kind == link.Shared:
		in.Origin, in.With, in.Also, in.Detail = e.Origin, e.Peer, e.Also, e.Err.Error()
	case turnedAway && refused.By != replica.Leader(l.cfg.Name) && refused.Reason == wire.OriginTwice:
		in.With, in.Told, in.Detail = refused.By, true, refused.Detail
	case turnedAway && refused.By != replica.Leader(l.cfg.Name) && refused.Reason == wire.Forgotten:
		l.lookReturn()
		return
	default:
		return
	}
	l.loop.Notify(in)
}

// silentRival is how long a rival that gossip goes on to hear of may be silent. A leader
// that is gone is given up before.
const silentRival = time.Minute

// meetRival looks whether the leader is alive that gossip says has our name and our
// origin. After a crash that is ourselves, at a former address.
func (l *Leader) meetRival(r *member.Rival) {
	if !l.meeting.CompareAndSwap(false, true) {
		return // it is heard of again
	}
	l.serving.Go(func() {
		defer l.meeting.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		switch identity.Holds(ctx, l.cfg.statusPage().Fetch, r.HTTP, l.addrs.HTTP, l.origin) {
		case identity.Gone:
			l.rivalSince = time.Time{}
		case identity.Silent:
			if l.rivalSince.IsZero() {
				l.rivalSince = time.Now()
			}
			if time.Since(l.rivalSince) > silentRival {
				l.tellRival(r)
			}
		case identity.Live:
			l.tellRival(r)
		}
	})
}

func (l *Leader) tellRival(r *member.Rival) {
	l.loop.Notify(replica.OriginShared{Origin: l.origin, Detail: fmt.Sprintf("%v, and both have origin %s: one is a copy of the other", r.Refused, l.origin)})
}

func (l *Leader) originShared() bool {
	return slices.ContainsFunc(l.loop.Status().Refusals, func(r replica.Refusal) bool { return r.Cause == replica.SharedOrigin })
}

// renew is KVD.NEWORIGIN: the leader ends as soon as it has answered, and is started
// again by whoever runs it. What it accepted so far stays as it is. It is refused where
// nothing is wrong with the origin: the number of origins is limited, and none is taken
// back.
func (l *Leader) renew(_ context.Context, _ [][]byte, w *resp.Writer) error {
	twice, err := l.store.Contested(l.origin)
	switch {
	case err != nil:
		return err
	case !twice && !l.originShared():
		return errors.New("nobody else is known to have origin " + l.origin.String() + "; a new one would take an entry in every frontier for nothing")
	}
	if !l.cfg.Renewable {
		return errors.New("nobody would start this leader again; stop it, and start it without the file " + identity.MarkFile + " of its data directory")
	}
	if err := l.giveUpOrigin(); err != nil { // however this incarnation ends
		return err
	}
	l.renewing.Store(true)
	w.Map(2)
	fields.Text(w, "leader", l.cfg.Name)
	fields.Text(w, "origin", l.origin.String())
	go l.fail(ErrRenew)
	return nil
}

// Again is the configuration of the incarnation that follows this one: at the addresses that
// this one was given.
func (l *Leader) Again() Config {
	cfg := l.cfg
	cfg.PolicyVersion = l.policies.Adopted()
	cfg.Addrs.RESP = l.listeners.resp.Addr().String()
	cfg.Addrs.HTTP = l.listeners.http.Addr().String()
	cfg.Addrs.Peer = l.listeners.peer.Addr().String()
	if cfg.gossipAdvertised() == "" {
		cfg.Addrs.Gossip = l.members.Addr()
	}
	for _, m := range l.members.View().Members {
		if m.Name != cfg.Name && !slices.Contains(cfg.Join, m.Gossip) {
			cfg.Join = append(slices.Clip(cfg.Join), m.Gossip)
		}
	}
	return cfg
}

// originStats is how many origins there are, and may be.
func (l *Leader) originStats() console.Origins {
	r := l.loop.Status().Origins
	o := console.Origins{Count: r.Count, Max: r.Max, RefusedOps: r.RefusedOps}
	for _, refused := range r.Refused {
		o.Refused = append(o.Refused, refused.String())
	}
	return o
}

// conflicting is how many dots have another content elsewhere and are not settled,
// and contents that could not be kept.
func (l *Leader) conflicting() int {
	c, err := l.store.ConflictStats()
	if err != nil {
		l.fail(err)
	}
	return int(c.Open + c.Omitted)
}

// watchOrigins says, once, that there will soon be no place for a new origin.
func (l *Leader) watchOrigins(op *resolve.Op) {
	if op.Dot.Seq > 1 {
		return
	}
	if o := l.originStats(); o.Scarce() > 0 && !l.scarce.Swap(true) {
		l.cfg.Logger.Warn("there will soon be no place for one more origin", "leader", l.cfg.Name, "origins", o.Count, "most", o.Max)
	}
}

func (l *Leader) logConflict(e replica.Event) {
	log := l.cfg.Logger.With("leader", l.cfg.Name)
	switch e := e.(type) {
	case replica.OriginTwice:
		log.Error("two live leaders have one origin", "origin", e.Origin.String(), "with", string(e.With))
	case replica.LogsDiffer:
		log.Error("a peer's log is not ours; they are compared", "peer", string(e.Peer), "upto", e.Upto.String())
	case replica.ConflictFound:
		if by, settled, err := l.store.SettledBy(e.Op.Dot); err == nil && settled {
			log.Info("one dot has two contents and is settled", "peer", string(e.Peer), "dot", e.Op.Dot.String(), "by", by.String())
			return
		}
		log.Error("one dot has two contents; KVD.CONFLICTS names both", "peer", string(e.Peer), "dot", e.Op.Dot.String(), "key", fmt.Sprintf("%.64q", e.Op.Key))
	}
}
