package node

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/node/internal/display"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/storage"
)

// maxBehind is how many ops of others may wait to be applied here before clients are
// sent elsewhere.
const maxBehind = 10_000

// inspector is the leader as the RESP server sees it.
type inspector struct{ *Leader }

var _ server.Inspector = inspector{}

func (i inspector) Policy() *resolve.Policy    { return &i.cfg.Policy }
func (i inspector) Frontier() logical.Frontier { return i.loop.Frontier() }

// Durable leaves out leaders that are forgotten: what they have is out of reach.
func (i inspector) Durable(f logical.Frontier) int {
	n := i.loop.Durable(f)
	for _, p := range i.loop.Status().Peers {
		if p.Origin != 0 && p.Durable.Includes(f) && i.forgotten.Has(string(p.Peer)) {
			n--
		}
	}
	return n
}

func (i inspector) Info() []server.Section {
	lines := []string{
		"node:" + i.cfg.Name, "cluster:" + i.cfg.Cluster, "origin:" + i.origin.String(),
		"resumed:" + strconv.FormatBool(i.resumed), "policy:" + i.cfg.Policy.String(), "policy_number:" + strconv.FormatUint(i.cfg.PolicyVersion.Number, 10),
		"ledger:" + i.ledgerState(), "draining:" + strconv.FormatBool(i.draining.Load()),
		"refuses_writes:" + i.refusedFor(), "catching_up:" + strconv.FormatBool(i.newcomer.Load().Waits()),
		"sync:" + i.cfg.Storage.Sync.String(), fmt.Sprintf("unsynced_ops:%d", i.unsynced()),
		fmt.Sprintf("unshared_ops:%d", i.unshared()),
		fmt.Sprintf("behind_ops:%d", i.behind()),
		fmt.Sprintf("unreplicated_ops:%d", i.unreplicatedOps()),
		fmt.Sprintf("missing_ops:%d", i.disk.MissingOps()),
		fmt.Sprintf("removed_ops:%d", i.collector.Stats().Status().RemovedOps),
	}
	for n, p := range i.peers() {
		lines = append(lines, fmt.Sprintf("peer%d:%s", n, display.PeerLine(&p)))
	}
	return []server.Section{{Name: "kvd", Lines: lines}}
}

// source is the leader as the console sees it.
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
	if err := s.loop.Err(); err != nil && len(s.loop.Status().Refusals) == 0 { // a disk that failed is a refusal
		add(console.Disk, "%v", err)
	}
	if what := s.disk.Trouble(); what != "" && !s.cfg.ServeDamaged {
		add(console.Damaged, "%s: %s", s.cfg.Name, what)
	}
	why = append(why, s.blockers.Reasons()...)
	why = append(why, s.monitor.Reasons()...)
	for _, r := range s.refusals() {
		what := s.cfg.Name + " takes no writes"
		if r.Cause == console.ClockWrong {
			what = "the clock of " + s.cfg.Name + " is in quarantine"
		}
		add(r.Cause, "%s: %s", what, r.Detail)
	}
	for _, p := range s.loop.Status().Peers { // who turns others away is ready: all leaders do that alike
		if slices.Contains(p.Refused, s.origin) {
			add(console.Cause(replica.OriginsFull), "%s has no place for the origin of %s, and what is written here does not reach it; write at a leader that kept its origin", p.Peer, s.cfg.Name)
		}
	}
	if what := s.policies.Behind(); what != "" {
		add(console.OtherPolicy, "%s", what)
	}
	if v := s.members.View(); !v.Joined {
		add(console.Joining, "%s has met no other leader yet%s", s.cfg.Name, v.Because())
	}
	if n := s.behind(); n > maxBehind {
		add(console.Behind, "%d ops of others are not applied yet, more than %d", n, maxBehind)
	}
	for _, p := range s.peers() {
		if p.Unsendable != nil {
			add(console.Oversized, "%s", p.Unsendable.Detail)
		}
	}
	return why
}

func (s source) Status() console.Status {
	load, clients := s.loop.Status().Load, s.resp.Stats()
	calls, commit := s.acks.Waiting()
	return console.Status{
		Name: s.cfg.Name, Origin: s.origin.String(), Policy: s.cfg.Policy.String(), PolicyNumber: s.cfg.PolicyVersion.Number, PolicyBehind: s.policies.Behind(),
		UptimeSeconds: time.Since(s.began).Seconds(), Frontier: s.loop.Frontier(), Peers: s.peers(),
		Sync: s.cfg.Storage.Sync.String(), UnsyncedOps: s.unsynced(), UnsharedOps: s.unshared(), Usage: s.usage(), Disk: s.monitor.Status(), Repair: s.repairs.Status(),
		Clock: s.clockStatus(), ClockErrorSeconds: s.clock.Now().Wall.HalfWidth().Seconds(),
		GateOps: load.GateOps, GateBytes: load.GateBytes, WaitingRequests: load.WaitingReqs, WaitingBytes: load.WaitBytes, UnreplicatedOps: s.unreplicatedOps(), MissingOps: s.disk.MissingOps(), Damage: s.disk.Trouble(), Clients: clients.Clients,
		ClientMemory:  console.ClientMemory{Limit: clients.Memory.Limit, Used: clients.Memory.Used, Waiting: clients.Memory.Waiting, Cut: clients.Memory.Cut},
		RefusesWrites: s.refusals(), Origins: s.originStats(), Conflicts: s.conflicting(),
		Log: s.collector.Stats().Status(), Deletions: s.collector.Deletions(), Ledger: display.Ledger(s.ledgerState(), s.loop.Ledger()), Feeds: s.lossFeed.Stats(),
		Subscribers: console.Subscribers{Cut: clients.Behind, Unheard: clients.Unheard},
		Backup:      s.lastBackup(), Transfer: s.stateTransfer(), Forgotten: s.forgettings(),
		AcksWaiting: calls, CommitWaiting: commit, Quorum: s.locks.Load().Status(),
	}
}

func (l *Leader) ledgerState() string {
	if l.cfg.Storage.NoLedger {
		return "off"
	}
	return "on"
}

// refusals is why writes are refused, by cause; none: they are accepted.
func (l *Leader) refusals() []console.Reason {
	var all []console.Reason
	for _, r := range l.loop.Status().Refusals {
		all = append(all, console.Reason{Cause: console.Cause(r.Cause), Detail: r.Detail})
	}
	return all
}

// refusedFor is the causes alone, for INFO; "none": writes are accepted.
func (l *Leader) refusedFor() string {
	var causes []string
	for _, r := range l.refusals() {
		causes = append(causes, string(r.Cause))
	}
	return cmp.Or(strings.Join(causes, ","), "none")
}

// halted logs, once, that the disk failed. The leader serves reads until it is stopped.
// Where it acknowledges before it syncs, what was acknowledged may be gone.
func (l *Leader) halted(why error) {
	if l.cfg.Storage.Sync != storage.SyncAlways {
		go func() { _ = l.giveUpOrigin() }() // on a disk that failed, and may answer never
	}
	l.cfg.Logger.Error("the disk failed: takes no writes, applies nothing and sends nothing; what was acknowledged before is read on", "leader", l.cfg.Name, "cause", string(host.DiskFailed), "why", why.Error())
}

// unsendable describes an op that cannot be sent to a peer, for the console; nil: there
// is none. The detail is shown to whoever probes, and so names no key.
func unsendable(op replica.OversizedOp, peer string) *console.Unsendable {
	if op.Dot.IsZero() {
		return nil
	}
	return &console.Unsendable{Dot: op.Dot.String(), Key: op.Key, Bytes: op.Bytes, Limit: op.Limit, Detail: fmt.Sprintf(
		"write %s takes %d bytes and a message to %s at most %d, so neither it nor later writes of its origin can be sent; "+
			"it was stored by another version of kvd: start one that sends as much on every leader, or write what this leader holds again on another",
		op.Dot, op.Bytes, peer, op.Limit)}
}
