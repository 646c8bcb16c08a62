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

// Fetch connects to a peer to ask for what it holds. Both have greeted each other as for
// every link; what is said from then on is a matter of the caller's and of whoever has
// Config.OnFetch there. The caller closes the connection. Its error may be a
// [*RefusedError]; a peer of an older version hangs up.
func (m *Mesh) Fetch(ctx context.Context, from replica.Leader) (net.Conn, error) {
	p := m.peer(from)
	if p == nil {
		return nil, fmt.Errorf("fetch from %s: it is no member of the cluster as %s knows it", from, m.cfg.Name)
	}
	if m.cfg.Faults.cut(from) {
		return nil, fmt.Errorf("fetch from %s: a planted fault cuts the link", from)
	}
	s, err := m.invite(ctx, from, p.address(), wire.KindFetch)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if err := s.conn.watch(fetchIdle); err != nil {
		_ = s.conn.Close()
		return nil, err
	}
	return s.conn, nil
}

// handOver welcomes a peer that wants to fetch, and gives its connection away.
func (m *Mesh) handOver(c *conn, h *wire.Hello) error {
	from := replica.Leader(h.Leader)
	var no *wire.Refuse
	switch {
	case m.cfg.OnFetch == nil:
		no = refusal(wire.OtherProtocol, "nothing can be fetched from %s", m.cfg.Name)
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
	if err := c.watch(fetchIdle); err != nil {
		return err
	}
	m.cfg.OnFetch(from, c)
	return nil
}
