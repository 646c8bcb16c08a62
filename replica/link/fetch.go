package link

import (
	"context"
	"fmt"
	"net"
	"time"

	"kvd/replica"
	"kvd/replica/wire"
)

// fetchIdle is how long a connection that state is fetched on may make no progress.
const fetchIdle = time.Minute

// policyIdle is how long one of two that speak of the policy may be silent.
const policyIdle = 15 * time.Second

// Fetch connects to a peer to ask for what it holds. Both have greeted each other as for
// every link; what is said from then on is a matter of the caller's and of whoever has
// Config.OnFetch there. The caller closes the connection. Its error may be a
// [*RefusedError]; a peer of an older version hangs up.
func (m *Mesh) Fetch(ctx context.Context, from replica.Leader) (net.Conn, error) {
	return m.open(ctx, from, wire.KindFetch, fetchIdle)
}

// DialQuorum connects to a peer to decide something by majority with it, as Fetch does; whoever has
// Config.OnQuorum there answers. How long the connection may be silent is the caller's matter.
func (m *Mesh) DialQuorum(ctx context.Context, to replica.Leader) (net.Conn, error) {
	return m.open(ctx, to, wire.KindQuorum, 0)
}

// DialPolicy connects to a peer to speak of the policy with it, which may be another there, as Fetch
// does; whoever has Config.OnPolicy there answers.
func (m *Mesh) DialPolicy(ctx context.Context, to replica.Leader) (net.Conn, error) {
	return m.open(ctx, to, wire.KindPolicy, policyIdle)
}

// open connects to a peer for something else than the link. Idle is how long it may make no progress;
// zero: for ever.
func (m *Mesh) open(ctx context.Context, to replica.Leader, kind wire.Kind, idle time.Duration) (net.Conn, error) {
	p := m.peer(to)
	if p == nil {
		return nil, fmt.Errorf("%s from %s: it is no member of the cluster as %s knows it", kind, to, m.cfg.Name)
	}
	if m.cfg.Faults.cut(to) {
		return nil, fmt.Errorf("%s from %s: a planted fault cuts the link", kind, to)
	}
	s, err := m.invite(ctx, to, p.address(), kind)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	if err := s.conn.watch(idle); err != nil {
		_ = s.conn.Close()
		return nil, err
	}
	return m.cfg.Faults.severing(to, s.conn), nil
}

// handOver welcomes a peer that wants something else than the link, and gives its connection to
// whoever takes it.
func (m *Mesh) handOver(c *conn, h *wire.Hello, take func(replica.Leader, net.Conn), idle time.Duration) error {
	from := replica.Leader(h.Leader)
	var no *wire.Refuse
	switch {
	case take == nil:
		no = refusal(wire.OtherProtocol, "%s has nobody for that kind of connection", m.cfg.Name)
	case m.peer(from) == nil:
		no = refusal(wire.NotAMember, "%s is not, or not yet, a member of the cluster as %s knows it", from, m.cfg.Name)
	case m.cfg.Faults.cut(from):
		no = refusal(wire.NotAMember, "a planted fault cuts the link to %s", from)
	}
	if no != nil {
		return m.refuse(c, from, no)
	}
	w := wire.Welcome{Version: min(protocolMax, h.VersionMax), Hello: m.hello(h.Leader)}
	if _, err := c.Write(wire.AppendWelcome(nil, &w)); err != nil {
		return err
	}
	if err := c.watch(idle); err != nil {
		return err
	}
	take(from, m.cfg.Faults.severing(from, c))
	return nil
}
