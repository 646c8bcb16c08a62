package leader

import (
	"fmt"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"kvd/logical"
	"kvd/replica/console"
	"kvd/replica/resp"
	"kvd/resolve"
)

// tooFarBehind is how many ops others may have that are not applied here before
// clients are better off elsewhere.
const tooFarBehind = 10_000

// maxDigest is how much of gossip's room a policy may take.
const maxDigest = 96

// digest travels with every member. A policy that is short enough stands for
// itself, so that a refusal can name the difference.
func digest(policy string) string {
	if len(policy) <= maxDigest {
		return policy
	}
	return strconv.FormatUint(xxhash.Sum64String(policy), 16)
}

// inspector is what RESP tells of the leader.
type inspector struct{ *Leader }

var _ resp.Inspector = inspector{}

func (i inspector) Policy() *resolve.Policy        { return &i.cfg.Policy }
func (i inspector) Frontier() logical.Frontier     { return i.loop.Frontier() }
func (i inspector) Durable(f logical.Frontier) int { return i.loop.Durable(f) }

// Info is INFO's section about this leader.
func (i inspector) Info() []resp.Section {
	lines := []string{
		"node:" + i.cfg.Name, "cluster:" + i.cfg.Cluster, "origin:" + i.life.String(),
		"resumed:" + strconv.FormatBool(i.resumed), "policy:" + i.cfg.Policy.String(),
		"ledger:" + i.ledgerState(), "draining:" + strconv.FormatBool(i.draining.Load()),
		fmt.Sprintf("unshared_ops:%d", i.unshared()),
		fmt.Sprintf("behind_ops:%d", i.behind()),
		fmt.Sprintf("stranded_ops:%d", i.strandedOps()),
	}
	for n, p := range i.peers() {
		lines = append(lines, fmt.Sprintf("peer%d:name=%s,alive=%t,lag_ops=%d,lag_seconds=%.3f,queue_bytes=%d", n, p.Name, p.Alive, p.LagOps, p.LagSeconds, p.QueueBytes))
	}
	return []resp.Section{{Name: "kvd", Lines: lines}}
}

// source is what the console shows of the leader.
type source struct{ *Leader }

var _ console.Source = source{}

// Ready is why clients should go elsewhere.
func (s source) Ready() []console.Reason {
	var why []console.Reason
	add := func(c console.Cause, format string, args ...any) {
		why = append(why, console.Reason{Cause: c, Detail: fmt.Sprintf(format, args...)})
	}
	if s.draining.Load() {
		add(console.Draining, "%s is about to stop", s.cfg.Name)
	}
	if err := s.loop.Err(); err != nil {
		add(console.Disk, "%v", err)
	}
	if v := s.members.View(); !v.Joined {
		add(console.Joining, "%s has met no other leader yet%s", s.cfg.Name, because(v.Trouble))
	}
	if n := s.behind(); n > tooFarBehind {
		add(console.Behind, "%d ops of others are not applied yet, more than %d", n, tooFarBehind)
	}
	return why
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// Status is the leader's account of itself.
func (s source) Status() console.Status {
	load := s.loop.Standing().Load
	return console.Status{
		Name: s.cfg.Name, Origin: s.life.String(), Policy: s.cfg.Policy.String(),
		UptimeSeconds: time.Since(s.began).Seconds(), Frontier: s.loop.Frontier(), Peers: s.peers(),
		GateOps: load.GateOps, WaitingRequests: load.WaitingReqs, StrandedOps: s.strandedOps(), Clients: s.resp.Stats().Clients,
		Ledger: ledgerStatus(s.ledgerState(), s.loop.Ledger()), Feeds: s.hub.feeds(),
	}
}

// allowConsole is who may look at the pages: users, and other leaders. Nil:
// everybody.
func (c *Config) allowConsole() func(user, password string) bool {
	if c.Users == nil {
		return nil
	}
	return func(user, password string) bool {
		if user == leaderUser {
			return len(c.GossipKey) > 0 && sameText(password, c.leaderPassword())
		}
		return c.Users.Allow(user, password)
	}
}
