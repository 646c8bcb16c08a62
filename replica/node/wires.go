package node

import (
	"fmt"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/link"
	"kvd/replica/member"
	"kvd/replica/node/internal/acks"
	"kvd/replica/node/internal/answers"
	"kvd/replica/node/internal/monitor"
	"kvd/replica/resp/server"
	"kvd/replica/wire"
	"kvd/resolve"
)

// outbox is the loop's way to the mesh, which is built after it. Until then, and
// while a peer is down, messages are dropped and shipped again.
type outbox struct {
	mesh     atomic.Pointer[link.Mesh]
	statuses atomic.Uint64 // the greatest number given to a status
}

var _ host.Outbox = (*outbox)(nil)

// Send hands a message to the mesh, which never blocks.
func (o *outbox) Send(to replica.Leader, m replica.Message) {
	if s, ok := m.(*replica.Status); ok {
		o.statuses.Store(s.Number) // they rise, and come from one goroutine
	}
	if mesh := o.mesh.Load(); mesh != nil {
		mesh.Send(to, m)
	}
}

func (o *outbox) Credit(c replica.Credit) {
	if mesh := o.mesh.Load(); mesh != nil {
		mesh.Credit(c.Peer, c.Bytes)
	}
}

func (o *outbox) Underway(to replica.Leader) int {
	if mesh := o.mesh.Load(); mesh != nil {
		return mesh.Underway(to)
	}
	return 0
}

// Publish sends what a client published to the leaders that there is a link to.
func (o *outbox) Publish(channel string, message []byte) {
	if mesh := o.mesh.Load(); mesh != nil {
		mesh.Publish(&wire.Published{Channel: channel, Message: message})
	}
}

// Repair sends a leader what objects are compared by, if it can.
func (o *outbox) Repair(to replica.Leader, body []byte) bool {
	mesh := o.mesh.Load()
	return mesh != nil && mesh.Repair(to, body)
}

// onPublished brings what was published at another leader to the clients of this one.
func (l *Leader) onPublished(_ replica.Leader, p *wire.Published) {
	if s := l.clients.Load(); s != nil {
		s.Hear(p.Channel, p.Message)
	}
}

// sink is the mesh's way to the loop.
type sink struct {
	loop *host.Loop
	disk *monitor.Monitor
}

var _ link.Sink = sink{}

// Receive hands the message to the loop, which may make the peer wait. Ops that there is no
// room for are dropped.
func (s sink) Receive(from replica.Leader, m replica.Message) {
	if b, ops := m.(*replica.Batch); ops && !s.disk.Take(from, b) {
		return
	}
	s.loop.Deliver(replica.Received{From: from, Message: m})
}

func (s sink) PeerUp(p replica.Leader) {
	s.disk.Reconnected(p)
	s.loop.Deliver(replica.PeerUp{Peer: p})
}
func (s sink) PeerDown(p replica.Leader)  { s.loop.Deliver(replica.PeerDown{Peer: p}) }
func (s sink) Frontier() logical.Frontier { return s.loop.Frontier() }

// engine is the RESP server's way to the loop. It counts requests, and refuses them
// while the leader stops.
type engine struct{ *Leader }

var (
	_ server.Engine    = engine{}
	_ server.Snapshots = engine{}
)

func (e engine) Snapshot(use func(get func(*replica.Request) replica.Reply) error) error {
	return answers.Draining(e.loop.ReadSnapshot(use))
}

// Do passes requests on. It notes their verbs before, because the requests belong to
// the server again as soon as done was called.
func (e engine) Do(reqs []*replica.Request, done func([]replica.Reply)) error {
	began, verbs := time.Now(), make([]replica.Verb, len(reqs))
	for i, r := range reqs {
		verbs[i] = r.Verb
	}
	err := e.acks.Do(reqs, func(replies []replica.Reply) {
		took := time.Since(began)
		for i := range replies {
			e.metrics.Operation(verbs[i], replies[i].Err, took)
		}
		done(replies)
	})
	if err != nil {
		for _, v := range verbs {
			e.metrics.Operation(v, err, time.Since(began))
		}
	}
	return answers.Draining(err)
}

// keepAcks withholds replies until as many leaders hold a write as is asked for.
func (l *Leader) keepAcks() {
	l.acks = acks.New(acks.Config{
		Leader: l.cfg.Name, Policy: &l.cfg.Policy, Limit: l.cfg.AcksTimeout, Now: l.clock.Now, Waited: l.metrics.CommitWaited,
		Next:    func(reqs []*replica.Request, done func([]replica.Reply)) error { return l.loop.Do(reqs, done) },
		Held:    func(d logical.Dot) int { return l.held(logical.FrontierOf(d)) },
		Members: func() int { return l.count(l.roster()) },
	})
}

// count is how many leaders are members, heard or not, this one included.
func (l *Leader) count(v member.View) int {
	n := 1
	for _, m := range v.Members {
		if m.Name != l.cfg.Name && m.Status != member.Left {
			n++
		}
	}
	return n
}

// held is how many leaders, this one included, durably have all of f. Those that are
// forgotten do not count.
func (l *Leader) held(f logical.Frontier) int {
	n := inspector{l}.Durable(f)
	if l.loop.Synced().Includes(f) {
		n++
	}
	return n
}

func (c *Config) serves(key string) resolve.ID { return c.Policy.Panel(key).Serving }

// observe is told every event on the loop's goroutine, once it is durable.
func (l *Leader) observe(e replica.Event) {
	l.metrics.Observe(e)
	switch e := e.(type) {
	case *replica.Applied:
		l.watchOrigins(e.Op)
	case *replica.Judged:
		l.lossFeed.Tell(e)
	case replica.WritesRefused:
		what := "takes no writes"
		if e.Why.Cause == replica.ClockWrong {
			what = "the clock is in quarantine"
		}
		l.cfg.Logger.Error(what, "leader", l.cfg.Name, "cause", string(e.Why.Cause), "why", e.Why.Detail)
	case replica.ClockSuspected:
		if e.Over {
			l.cfg.Logger.Info("the clock is where most members place true time", "leader", l.cfg.Name)
			break
		}
		l.cfg.Logger.Warn("the clock is outside of where most members place true time", "leader", l.cfg.Name, "outside", e.Outside.String(), "next", "kv clock shows all of them")
	case replica.WritesAllowed:
		l.cfg.Logger.Info("a reason to refuse writes is gone", "leader", l.cfg.Name, "cause", string(e.Cause), "left", e.Left)
	case replica.Unsendable: // once for each connection
		l.cfg.Logger.Error("a write cannot be sent", "leader", l.cfg.Name, "peer", string(e.Peer), "key", fmt.Sprintf("%.64q", e.Op.Key), "why", unsendable(e.Op, string(e.Peer)).Detail)
	case replica.OriginTwice, replica.LogsDiffer, replica.ConflictFound:
		l.logConflict(e)
	}
}
