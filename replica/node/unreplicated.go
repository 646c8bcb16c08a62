package node

import (
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/resp"
)

// stretch is writes of one origin, in a row, that some leader said it has, that
// have not arrived here, and that nobody who can be reached is known to have.
type stretch struct {
	origin   logical.Origin
	from, to logical.Seq
	holders  []string // who said so, by name
}

func (s *stretch) ops() int { return int(s.to - s.from + 1) }

// stretches is what is unreplicated, by origin: f is what is applied here, and reached
// says who can be reached.
func stretches(f logical.Frontier, peers []replica.PeerView, reached func(name string) bool) []stretch {
	var all, near logical.Frontier
	for _, p := range peers {
		if all = all.Join(p.Known); reached(string(p.Peer)) {
			near = near.Join(p.Known)
		}
	}
	var out []stretch
	for d := range all.All() {
		s := stretch{origin: d.Origin, from: max(f.At(d.Origin), near.At(d.Origin)) + 1, to: d.Seq}
		if s.from > s.to {
			continue
		}
		for _, p := range peers {
			if p.Known.At(d.Origin) >= s.from {
				s.holders = append(s.holders, string(p.Peer))
			}
		}
		slices.Sort(s.holders)
		out = append(out, s)
	}
	return out
}

// unreplicated is what others said they have and nobody can be asked for.
func (l *Leader) unreplicated() []stretch {
	s := l.loop.Status()
	return stretches(s.State.Frontier, s.Peers, l.reached)
}

func (l *Leader) unreplicatedOps() (n int) {
	for _, s := range l.unreplicated() {
		n += s.ops()
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

func (l *Leader) writeStretch(w *resp.Writer, s *stretch) {
	w.Map(4)
	text(w, "leader", l.nameOf(s.origin))
	text(w, "from", logical.Dot{Origin: s.origin, Seq: s.from}.String())
	text(w, "to", logical.Dot{Origin: s.origin, Seq: s.to}.String())
	list(w, "holders", s.holders, w.Text)
}
