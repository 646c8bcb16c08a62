package node

import (
	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/node/internal/repair"
	"kvd/resolve"
)

// newRepairs is what compares objects with other leaders'.
func (l *Leader) newRepairs() *repair.Service {
	return repair.New(repair.Config{
		Limits: l.cfg.Storage.Repair, Name: l.cfg.Name, Loop: l.loop, Logger: l.cfg.Logger,
		Policy: func() *resolve.Policy { return &l.cfg.Policy },
		Send:   l.outbox.Repair, Peers: l.linked,
	})
}

// linked is the leaders that there is a link to.
func (l *Leader) linked() (names []replica.Leader) {
	for _, p := range l.mesh.Stats() {
		if p.Up {
			names = append(names, p.Peer)
		}
	}
	return names
}

// others is the leaders that there are beside this one.
func (l *Leader) others() (names []replica.Leader) {
	for _, m := range l.roster().Members {
		if m.Name != l.cfg.Name && m.Status != member.Left {
			names = append(names, replica.Leader(m.Name))
		}
	}
	return names
}
