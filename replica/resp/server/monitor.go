package server

import (
	"kvd/replica/acl"
	"kvd/replica/resp/monitor"
)

// MonitorRoles is the roles of who may see what others send.
const MonitorRoles = acl.Read | acl.Admin

// Monitor begins to show the client what others send.
func Monitor(k *Call) error {
	if k.conn.monitor == nil {
		if err := k.Reserve(monitor.MaxBytes); err != nil {
			return err
		}
		k.conn.monitor = k.conn.srv.monitors.Join(k.conn.waker.Wake)
	}
	return k.OK()
}

// unmonitor ends MONITOR.
func (c *conn) unmonitor() {
	if c.monitor == nil {
		return
	}
	c.srv.monitors.Leave(c.monitor)
	c.monitor = nil
	c.account.Release(monitor.MaxBytes)
}

// show tells all who monitor what a client sends.
func (s *Server) show(k *Call) {
	if s.monitors.Active() {
		s.monitors.Show(monitor.Line(s.cfg.Clock(), k.conn.addr, k.Args, k.secret))
	}
}

// secret reports whether argument i may be a password.
func (k *Call) secret(i int) bool { return k.cmd.Secret != nil && k.cmd.Secret(k.Args, i) }
