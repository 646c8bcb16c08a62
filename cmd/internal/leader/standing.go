package leader

import (
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/member"
)

// unshared is how many ops of the origins, as far as f reaches, no other leader
// is known to have durably.
func unshared(f logical.Frontier, origins []logical.Origin, peers []replica.PeerView) int {
	n := 0
	for _, o := range origins {
		best := logical.Seq(0)
		for _, p := range peers {
			best = max(best, p.Known.At(o))
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
	n := 0
	for d := range all.All() {
		n += int(d.Seq - min(d.Seq, f.At(d.Origin)))
	}
	return n
}

// unshared is how many ops only this leader may have. Whatever began elsewhere
// came from a leader that had it durably; so these are of this life and of former
// ones.
func (l *Leader) unshared() int {
	lives, err := l.store.Lives()
	if err != nil {
		l.fail(err)
	}
	if !slices.Contains(lives, l.life) {
		lives = append(lives, l.life)
	}
	s := l.loop.Standing()
	return unshared(s.State.Frontier, lives, s.Peers)
}

func (l *Leader) behind() int {
	s := l.loop.Standing()
	return behind(s.State.Frontier, s.Peers)
}

// peers is the others, by name, as gossip, links and the loop describe them.
func (l *Leader) peers() []console.Peer {
	queued := map[replica.Leader]uint64{}
	for _, p := range l.mesh.Stats().Peers {
		queued[p.Peer] = uint64(p.QueuedBytes)
	}
	known, now := map[replica.Leader]replica.PeerView{}, l.clock.Now().Mono
	for _, p := range l.loop.Standing().Peers {
		known[p.Peer] = p
	}
	var all []console.Peer
	for _, m := range l.members.View().Members {
		if m.Name == l.cfg.Name {
			continue
		}
		p := known[replica.Leader(m.Name)]
		age := time.Duration(0)
		if p.Since != 0 {
			age = now.Sub(p.Since)
		}
		all = append(all, console.Peer{
			Name: m.Name, Addr: m.PeerAddr, Alive: m.Status == member.Alive, Origin: logical.Origin(m.Origin).String(),
			LagOps: p.OwnOps, LagSeconds: age.Seconds(), QueueBytes: queued[p.Peer],
		})
	}
	return all
}
