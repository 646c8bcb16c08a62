package node

import (
	"net"
	"slices"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/link"
	"kvd/replica/member"
	"kvd/replica/node/internal/answers"
	"kvd/replica/node/internal/clock"
	"kvd/replica/resp/server"
	"kvd/storage"
)

// unshared is how many ops of the origins, as far as f reaches, no other leader
// is known to have durably.
func unshared(f logical.Frontier, origins []logical.Origin, peers []replica.PeerView) int {
	n := 0
	for _, o := range origins {
		best := logical.Seq(0)
		for _, p := range peers {
			best = max(best, p.Durable.At(o))
		}
		n += int(f.At(o) - min(f.At(o), best))
	}
	return n
}

// behind is how many ops others are known to have that f lacks.
func behind(f logical.Frontier, peers []replica.PeerView) int {
	var all logical.Frontier
	for _, p := range peers {
		all = all.Join(p.Known)
	}
	return int(all.Beyond(f))
}

// unshared is how many ops only this leader may have. What was accepted
// elsewhere came from a leader that had it durably; so only ops of this incarnation and
// of former ones count.
func (l *Leader) unshared() int {
	origins, err := l.store.Incarnations()
	if err != nil {
		l.store.NoteDamage(err)
	}
	if !slices.Contains(origins, l.origin) {
		origins = append(origins, l.origin)
	}
	s := l.loop.Status()
	peers := slices.DeleteFunc(slices.Clone(s.Peers), func(p replica.PeerView) bool { return l.forgotten.Has(string(p.Peer)) })
	return unshared(s.State.Frontier, origins, peers)
}

func (l *Leader) behind() int {
	s := l.loop.Status()
	return behind(s.State.Frontier, s.Peers)
}

// peers is the others, by name, as gossip, links and the loop describe them.
func (l *Leader) peers() []console.Peer {
	links := map[replica.Leader]link.PeerStats{}
	for _, p := range l.mesh.Stats() {
		links[p.Peer] = p
	}
	known, now := map[replica.Leader]replica.PeerView{}, l.clock.Now()
	s := l.loop.Status()
	for _, p := range s.Peers {
		known[p.Peer] = p
	}
	var all []console.Peer
	stats := l.collector.Stats()
	for _, m := range l.roster().Members {
		if m.Name == l.cfg.Name {
			continue
		}
		p, heardOf := known[replica.Leader(m.Name)]
		if !heardOf { // it has just been learnt of, and is known to have nothing
			p = replica.PeerView{Peer: replica.Leader(m.Name), Behind: s.State.Frontier.Beyond(logical.Frontier{})}
		}
		age := time.Duration(0)
		if p.Behind > 0 {
			age = now.Mono.Sub(p.Since)
		}
		up, since := links[p.Peer].For()
		all = append(all, console.Peer{
			LinkUp: up, LinkSeconds: since, Phi: links[p.Peer].Phi,
			Name: m.Name, Addr: m.PeerAddr, RESP: m.RespAddr, HTTP: m.HTTPAddr, Member: m.Status.String(), Alive: m.Status == member.Alive, Origin: logical.Origin(m.Origin).String(),
			LagOps: p.Behind, LagSeconds: age.Seconds(), AheadOps: p.Known.Beyond(s.State.Frontier), QueueBytes: uint64(links[p.Peer].QueuedBytes),
			PinnedBytes: stats.Pins[m.Name], Outpaced: stats.Outpaced[m.Name],
			Published: console.Published{Sent: links[p.Peer].PublishedOut, Dropped: links[p.Peer].PublishedDropped},
			Clock:     clock.OffsetOf(&p, now), Unsendable: unsendable(p.Unsendable, m.Name),
		})
	}
	return all
}

// clockStatus is what is known of our own clock, and what all clocks make of it.
func (l *Leader) clockStatus() console.Clock {
	s := l.clock.Status()
	s.Judged = clock.Judged(l.loop.Status().Clocks, l.cfg.Quarantine.Scope.String())
	return s
}

// unsynced is how many ops are applied here and would be lost with the machine's
// power; under --sync never nobody can tell, and none are counted.
func (l *Leader) unsynced() uint64 {
	synced := l.loop.Synced() // before the frontier, which only grows
	return l.loop.Frontier().Beyond(synced)
}

// served is the addresses and the fsync policy, as clients ask for them.
func (l *Leader) served() server.Served {
	s := server.Served{Fsync: map[storage.Sync]string{
		storage.SyncAlways: "always", storage.SyncInterval: "everysec", storage.SyncNever: "no"}[l.cfg.Storage.Sync]}
	host, port, _ := net.SplitHostPort(l.listeners.resp.Addr().String())
	s.Bind = host
	if l.cfg.TLS != nil {
		s.TLSPort, _ = strconv.Atoi(port)
	} else {
		s.Port, _ = strconv.Atoi(port)
	}
	return s
}

// unreplicated is what others said they have and nobody can be asked for.
func (l *Leader) unreplicated() []answers.Stretch {
	s := l.loop.Status()
	return answers.Stretches(s.State.Frontier, s.Peers, l.reached)
}

func (l *Leader) unreplicatedOps() (n int) {
	for _, s := range l.unreplicated() {
		n += s.Ops()
	}
	return n
}

func (l *Leader) reached(name string) bool {
	m, known := l.members.View().Find(name)
	return known && m.Status == member.Alive
}

// outOfReach reports whether nobody who can be reached is known to have d, or can
// be taken to have it because it accepted it.
func (l *Leader) outOfReach(d logical.Dot) bool {
	for _, m := range l.members.View().Members {
		if m.Status == member.Alive && logical.Origin(m.Origin) == d.Origin {
			return false
		}
	}
	for _, p := range l.loop.Status().Peers {
		if p.Known.Covers(d) && l.reached(string(p.Peer)) {
			return false
		}
	}
	return l.nameOf(d.Origin) != ""
}
