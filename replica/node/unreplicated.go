package node

import (
	"slices"

	"kvd/replica/node/internal/answers"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/node/internal/recovery"
)

// stretches is what is unreplicated, by origin: f is what is applied here, and reached
// says who can be reached.
func stretches(f logical.Frontier, peers []replica.PeerView, reached func(name string) bool) []answers.Stretch {
	var all, near logical.Frontier
	for _, p := range peers {
		if all = all.Join(p.Known); reached(string(p.Peer)) {
			near = near.Join(p.Known)
		}
	}
	var out []answers.Stretch
	for d := range all.All() {
		s := answers.Stretch{Stretch: recovery.Stretch{Origin: d.Origin, From: max(f.At(d.Origin), near.At(d.Origin)) + 1, To: d.Seq}}
		if s.From > s.To {
			continue
		}
		for _, p := range peers {
			if p.Known.At(d.Origin) >= s.From {
				s.Holders = append(s.Holders, string(p.Peer))
			}
		}
		slices.Sort(s.Holders)
		out = append(out, s)
	}
	return out
}

// unreplicated is what others said they have and nobody can be asked for.
func (l *Leader) unreplicated() []answers.Stretch {
	s := l.loop.Status()
	return stretches(s.State.Frontier, s.Peers, l.reached)
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
