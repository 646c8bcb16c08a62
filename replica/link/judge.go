package link

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
)

// judge is what keeps us from talking to whoever introduced itself by h, nil if
// nothing does. Who is connected already is left to claim. Whoever speaks of the policy may
// have another.
func (m *Mesh) judge(h *wire.Hello, c *conn, kind wire.Kind) *wire.Refuse {
	ours := m.hello(h.Leader)
	if kind == wire.KindPolicy {
		ours.Policy = h.Policy
	}
	if no := compare(&ours, h); no != nil {
		return no
	}
	if no := m.checkCertificate(h, c); no != nil {
		return no
	}
	if m.cfg.Refuses != nil {
		if why := m.cfg.Refuses(replica.Leader(h.Leader)); why != "" {
			return refusal(wire.Forgotten, "%s", why)
		}
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.originElsewhere(replica.Leader(h.Leader), h.Origin)
}

// compare is what keeps two leaders apart whatever else goes on. ours must have
// been made after theirs arrived: then its frontier covers all that they can
// honestly have of us.
func compare(ours, theirs *wire.Hello) *wire.Refuse {
	switch {
	case ours.Cluster != theirs.Cluster:
		return refusal(wire.OtherCluster, "%s belongs to cluster %q and %s to %q", ours.Leader, ours.Cluster, theirs.Leader, theirs.Cluster)
	case ours.Origin == theirs.Origin && ours.Nonce != theirs.Nonce:
		return refusal(wire.OriginTwice, "%s and %s both hold origin %s: one is a copy of the other", ours.Leader, theirs.Leader, ours.Origin)
	case ours.Leader == theirs.Leader:
		return refusal(wire.Itself, "both sides are named %s: the leader dialled itself, or two processes share a name; give each its own", ours.Leader)
	case theirs.To != ours.Leader:
		return refusal(wire.WrongLeader, "%s was dialled and %s answered; correct the address", theirs.To, ours.Leader)
	case ours.VersionMax < theirs.VersionMin || theirs.VersionMax < ours.VersionMin:
		return refusal(wire.OtherProtocol, "%s speaks versions %d to %d and %s speaks %d to %d", ours.Leader, ours.VersionMin, ours.VersionMax, theirs.Leader, theirs.VersionMin, theirs.VersionMax)
	case ours.Policy != theirs.Policy:
		return refusal(wire.OtherPolicy, "%s", policyDifference(ours, theirs))
	}
	if have, know := ours.Frontier.At(ours.Origin), theirs.Frontier.At(ours.Origin); know > have {
		return lostLog(theirs.Leader, ours.Leader, ours.Origin, know, have)
	}
	return nil
}

// lostLog refuses a log that its holder no longer has whole: it was restored from an
// older copy, or lost its end.
func lostLog(knower, holder string, o logical.Origin, know, have logical.Seq) *wire.Refuse {
	return refusal(wire.LostLog, "%s has %d ops of origin %s, and %s, which holds that origin, has %d: its log lost some; start it with a new origin", knower, uint64(know), o, holder, uint64(have))
}

func refusal(r wire.Reason, format string, args ...any) *wire.Refuse {
	return &wire.Refuse{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// originElsewhere refuses an origin that another live leader holds. The caller
// holds the lock.
func (m *Mesh) originElsewhere(name replica.Leader, o logical.Origin) *wire.Refuse {
	if other := m.holderOf(o, name); other != "" {
		return refusal(wire.OriginTwice, "%s and %s both hold origin %s: one is a copy of the other", other, name, o)
	}
	return nil
}

func (m *Mesh) hold(p *peer, o logical.Origin) *wire.Refuse {
	m.mu.Lock()
	defer m.mu.Unlock()
	no := m.originElsewhere(p.name, o)
	if no == nil {
		p.origin.Store(uint64(o))
	}
	return no
}

func (m *Mesh) checkCertificate(h *wire.Hello, c *conn) *wire.Refuse {
	if !m.cfg.CertNames {
		return nil
	}
	t, ok := c.Conn.(*tls.Conn)
	if !ok {
		return refusal(wire.BadCertificate, "the connection is not encrypted")
	}
	if err := t.ConnectionState().PeerCertificates[0].VerifyHostname(h.Leader); err != nil {
		return refusal(wire.BadCertificate, "%v", err)
	}
	return nil
}

// claim registers the connection as its leader's. An older connection of the same
// process is dead and goes; of another process it stays while it lives.
func (m *Mesh) claim(in *inbound, deadline time.Time) *wire.Refuse {
	for {
		old, no := m.tryClaim(in)
		if old == nil {
			return no
		}
		old.kill()
		select {
		case <-old.done:
		case <-time.After(time.Until(deadline)):
			return refusal(wire.NameTaken, "messages of an older connection of %s are still being taken; try again", in.from)
		case <-m.ctx.Done():
			return refusal(wire.NotAMember, "%s is closing", m.cfg.Name)
		}
	}
}

// tryClaim returns an older connection that must go first, or a refusal, or
// neither: then the connection is registered.
func (m *Mesh) tryClaim(in *inbound) (*inbound, *wire.Refuse) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, old := m.peers[in.from], m.inbound[in.from]
	switch {
	case m.closed || p == nil || p.ctx.Err() != nil:
		return nil, refusal(wire.NotAMember, "%s is not, or not yet, a member of the cluster as %s knows it", in.from, m.cfg.Name)
	case old != nil && old.hello.Nonce == in.hello.Nonce:
		return old, nil
	case old != nil:
		return nil, refusal(wire.NameTaken, "another process named %s, with origin %s, is connected from %s; if that one is gone, this passes within %s", in.from, old.hello.Origin, old.conn.RemoteAddr(), m.cfg.IdleTimeout)
	}
	if no := m.originElsewhere(in.from, in.hello.Origin); no != nil {
		return nil, no
	}
	m.inbound[in.from] = in
	notify(p.again)
	return nil, nil
}

func (m *Mesh) release(in *inbound) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inbound[in.from] == in {
		delete(m.inbound, in.from)
	}
}

// policyDifference names, prefix by prefix, what two leaders judge differently.
func policyDifference(ours, theirs *wire.Hello) string {
	a, b := policyRules(ours.Policy), policyRules(theirs.Policy)
	var diffs []string
	both := maps.Clone(a)
	maps.Copy(both, b)
	for _, p := range slices.Sorted(maps.Keys(both)) {
		if a[p] != b[p] {
			diffs = append(diffs, fmt.Sprintf("%s is %s at %s and %s at %s", p, cmp.Or(a[p], "not named"), ours.Leader, cmp.Or(b[p], "not named"), theirs.Leader))
		}
	}
	if len(diffs) == 0 {
		diffs = append(diffs, fmt.Sprintf("%s has %s and %s has %s", ours.Leader, ours.Policy, theirs.Leader, theirs.Policy))
	}
	return strings.Join(diffs, "; ") + "; policies must be equal on all leaders"
}

// policyRules splits what resolve.Policy.String wrote into rules by what stands
// before the equals sign; quoted prefixes may hold anything.
func policyRules(text string) map[string]string {
	rules := map[string]string{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		name, err := strconv.QuotedPrefix(rest)
		if err != nil {
			name = rest[:strings.IndexAny(rest+"=", "=")]
		}
		rest = strings.TrimPrefix(rest[len(name):], "=")
		end := strings.IndexByte(rest+" ", ' ')
		rules[name], rest = rest[:end], rest[end:]
	}
	return rules
}
