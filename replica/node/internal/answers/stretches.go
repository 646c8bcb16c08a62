package answers

import (
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/node/internal/recovery"
)

// Stretch is writes of one origin, in a row, that some leader said it has, that have
// not arrived here, and that nobody who can be reached is known to have.
type Stretch struct {
	recovery.Stretch
	Holders []string // who said so, by name
}

// Stretches is what is unreplicated, by origin: f is what is applied here, and reached
// says who can be reached.
func Stretches(f logical.Frontier, peers []replica.PeerView, reached func(name string) bool) []Stretch {
	var all, near logical.Frontier
	for _, p := range peers {
		if all = all.Join(p.Known); reached(string(p.Peer)) {
			near = near.Join(p.Known)
		}
	}
	var out []Stretch
	for d := range all.All() {
		s := Stretch{Stretch: recovery.Stretch{Origin: d.Origin, From: max(f.At(d.Origin), near.At(d.Origin)) + 1, To: d.Seq}}
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
