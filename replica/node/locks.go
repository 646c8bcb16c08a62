package node

import (
	"context"
	"net"

	"kvd/replica"
	"kvd/replica/node/internal/locks"
)

// openLocks goes on with this leader's part in the quorum, if there is one.
func (l *Leader) openLocks(context.Context) error {
	s, err := locks.Open(locks.Config{
		Name: l.cfg.Name, Dir: l.cfg.Dir, FS: l.cfg.FS, Resumed: l.resumed, Profile: l.cfg.Profile,
		Dial: l.mesh.DialQuorum, Members: l.roster, Do: engine{l}.Do, Logger: l.cfg.Logger,
	})
	if err == nil {
		l.locks.Store(s)
	}
	return err
}

// onQuorum takes a connection of a leader that wants to decide something by majority.
func (l *Leader) onQuorum(from replica.Leader, c net.Conn) {
	if s := l.locks.Load(); s != nil {
		s.Serve(from, c)
		return
	}
	_ = c.Close() // it tries again
}
