package stability

import (
	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/stable"
)

// view is what all members are known to hold. Whoever was met and is not forgotten is one.
func (c *Config) view() stable.View {
	v := stable.View{Durable: c.Loop.Synced()} // before the frontier, which only grows
	s, heard := c.Loop.Status(), map[string]replica.PeerView{}
	v.Applied, v.Floor = s.State.Frontier, s.State.Floor
	members := c.Roster()
	for _, p := range s.Peers {
		name := string(p.Peer)
		heard[name] = p
		if _, listed := members.Find(name); !listed && !c.Forgotten(name) {
			members.Members = append(members.Members, member.Member{Name: name, Status: member.Failed})
		}
	}
	for _, m := range members.Members {
		if p := heard[m.Name]; m.Name != c.Leader {
			v.Members = append(v.Members, stable.Member{Name: m.Name, Reached: m.Status == member.Alive, Heard: p.Origin != 0, Known: p.Known, Durable: p.Durable, Floor: p.Floor})
		}
	}
	return v
}
