package client

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"kvd/logical"
)

// Status is what a leader says of itself and of the others, as its page /status does:
// the part of it that one table has room for.
type Status struct {
	Name    string        `json:"name"`
	Origin  string        `json:"origin"`
	State   string        `json:"state"` // serving, loading, read-only, draining
	Ready   bool          `json:"ready"`
	Reasons []StatusCause `json:"reasons"` // why it is not ready
	Alarms  []StatusCause `json:"alarms"`  // what somebody should look at, the reasons among them

	Policy            string       `json:"policy"`
	PolicyNumber      uint64       `json:"policy_number"` // 0: its settings say it, or it is of a former version
	UptimeSeconds     float64      `json:"uptime_seconds"`
	UnsharedOps       int64        `json:"unshared_ops"` // accepted there and not known to be durable elsewhere
	ClockErrorSeconds float64      `json:"clock_error_seconds"`
	Clock             ClockStatus  `json:"clock"`
	Usage             Usage        `json:"usage"`
	Peers             []PeerStatus `json:"peers"`
	Frontier          []Position   `json:"frontier"`
	Quorum            Quorum       `json:"quorum"`
}

// Quorum is who decides by majority about locks, as a leader knows it. One of a former version says
// nothing of it.
type Quorum struct {
	Voters            []string `json:"voters"`
	Votes             bool     `json:"votes"`
	Leader            string   `json:"leader"` // empty: nobody leads, or it is not known there
	LeaderlessSeconds float64  `json:"leaderless_seconds"`
	Locks             int      `json:"locks"`
}

// Position is how far a leader has applied one origin.
type Position struct {
	Origin string      `json:"origin"`
	Seq    logical.Seq `json:"seq"`
}

// applied is the frontier; what cannot be read of it is left out.
func (s *Status) applied() (f logical.Frontier) {
	for _, p := range s.Frontier {
		if d, err := logical.ParseDot(p.Origin + "-1"); err == nil {
			f.Advance(logical.Dot{Origin: d.Origin, Seq: p.Seq})
		}
	}
	return f
}

// StatusCause is one reason or alarm: a word and a sentence.
type StatusCause struct {
	Cause  string `json:"cause"`
	Detail string `json:"detail"`
}

// ClockStatus is what a leader knows of its own clock. A leader of a former version says
// nothing of it.
type ClockStatus struct {
	Asked          string        `json:"asked"`  // as the leader was told: auto, kernel, ntp:HOST, ...
	Source         string        `json:"source"` // whose answer counts; claim: nobody's
	Answers        bool          `json:"answers"`
	AgeSeconds     float64       `json:"age_seconds"`
	Steps          int           `json:"steps"`          // how often the clock was seen to be set
	Contradictions int           `json:"contradictions"` // answers that contradicted the ones before
	Sources        []ClockSource `json:"sources"`
	Judged         *ClockJudged  `json:"judged,omitempty"` // nil: not yet, or by a former version
}

// ClockJudged is what a leader makes of all members' clocks, in seconds against its own;
// positive: ahead.
type ClockJudged struct {
	State       string        `json:"state"` // agreed, too-few, split
	Members     int           `json:"members"`
	Heard       int           `json:"heard"`
	Quorum      int           `json:"quorum"`
	Quarantine  string        `json:"quarantine"` // warn, stamps, all
	Suspected   bool          `json:"suspected"`
	Quarantined bool          `json:"quarantined"`
	Majority    *ClockOffset  `json:"majority,omitempty"`
	Min         float64       `json:"min_seconds"`
	Median      float64       `json:"median_seconds"`
	Max         float64       `json:"max_seconds"`
	Clocks      []JudgedClock `json:"clocks"` // its own first
}

// JudgedClock is one of them.
type JudgedClock struct {
	Name    string  `json:"name"`
	Outside float64 `json:"outside_seconds"` // of where most place true time; 0: within
	Claims  float64 `json:"claims_seconds"`
	ClockOffset
}

// ClockSource is one of those that were asked.
type ClockSource struct {
	Name        string       `json:"name"`
	Used        bool         `json:"used"`
	Ahead       *ClockOffset `json:"ahead,omitempty"` // true time against the machine's clock; nil: it did not say
	Reason      string       `json:"reason,omitempty"`
	Unavailable string       `json:"unavailable,omitempty"` // why it did not say, and what to do about it
}

// Usage is what a leader takes of its machine, in bytes.
type Usage struct {
	LogBytes    uint64  `json:"log_bytes"`
	StoreBytes  uint64  `json:"store_bytes"`
	MemoryBytes uint64  `json:"memory_bytes"`
	MemoryLimit uint64  `json:"memory_limit_bytes"` // zero: none is known
	DiskFree    *uint64 `json:"disk_free"`          // nil: it is not known
	DiskBytes   *uint64 `json:"disk_bytes"`         // nil: it is not known
}

// PeerStatus is another leader, as one sees it.
type PeerStatus struct {
	Name       string       `json:"name"`
	RESP       string       `json:"resp"`
	Member     string       `json:"member"` // alive, leaving, left, failed, absent
	Phi        float64      `json:"phi"`    // how sure the leader is that it is gone: 3 suspects it, 8 takes it for gone
	LagOps     uint64       `json:"lag_ops"`
	LagSeconds float64      `json:"lag_seconds"`
	AheadOps   uint64       `json:"ahead_ops"`
	Clock      *ClockOffset `json:"clock"` // nil: not measured
}

// ClockOffset is where the peer's clock may stand against the leader's, in seconds;
// positive: ahead.
type ClockOffset struct {
	Earliest float64 `json:"earliest_seconds"`
	Latest   float64 `json:"latest_seconds"`
}

// Status asks a leader how it is. The error is a *Refusal.
func (l *Leader) Status(ctx context.Context) (s Status, err error) {
	const cmd = "KVD.STATUS"
	r, err := l.Do(ctx, cmd)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(r.Text), &s); err != nil {
		return s, &Refusal{l, cmd, err}
	}
	return s, nil
}

// MemberStatus is one member of a cluster: what it says itself, and what others say of one
// that does not answer.
type MemberStatus struct {
	Node
	Said *Status // nil: it did not answer
	Err  error   // then why; nil: nobody knows where to ask it
	Seen string  // what the others take it for; empty: nobody says
	// LacksOps is what it has not applied of what any that answered has, or where it did
	// not answer the most that one of them believes it to lack; LacksSeconds is for how
	// long, as they believe.
	LacksOps     uint64
	LacksSeconds float64
}

// Statuses asks leaders, and whomever they name beside them, at once. What comes is by
// name, nobody left out: whom a leader names and who is forgotten nowhere is a member.
func (c *Cluster) Statuses(ctx context.Context, leaders []*Leader) []MemberStatus {
	all := statusesOf(ctx, leaders)
	var more []*Leader
	for _, p := range peersOf(all) {
		known := slices.ContainsFunc(all, func(m MemberStatus) bool { return m.Name == p.Name || m.Addr == p.RESP })
		switch {
		case known:
		case p.RESP == "": // a leader of a former version remembered it, and not where it serves
			all = append(all, MemberStatus{Node: Node{Name: p.Name}})
		default:
			more = append(more, c.Open(Node{p.Name, p.RESP}))
		}
	}
	slices.SortFunc(more, func(a, b *Leader) int { return strings.Compare(a.Addr, b.Addr) })
	all = append(all, statusesOf(ctx, slices.Compact(more))...)
	var applied logical.Frontier
	for _, m := range all {
		if m.Said != nil {
			applied = applied.Join(m.Said.applied())
		}
	}
	for i := range all {
		all[i].heardOf(all)
		all[i].measure(applied)
	}
	slices.SortStableFunc(all, func(a, b MemberStatus) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b MemberStatus) bool { return a.Name == b.Name })
}

// statusesOf has those that answered first, so that an address that is out of date does
// not hide a leader that has moved.
func statusesOf(ctx context.Context, leaders []*Leader) (all []MemberStatus) {
	said, errs := atOnce(leaders, func(l *Leader) (Status, error) { return l.Status(ctx) })
	var silent []MemberStatus
	for i, l := range leaders {
		if errs[i] != nil {
			silent = append(silent, MemberStatus{Node: l.Node, Err: errs[i]})
			continue
		}
		all = append(all, MemberStatus{Node: Node{said[i].Name, l.Addr}, Said: &said[i]})
	}
	return append(all, silent...)
}

func peersOf(all []MemberStatus) (peers []PeerStatus) {
	for _, m := range all {
		if m.Said != nil {
			peers = append(peers, m.Said.Peers...)
		}
	}
	return peers
}

// measure holds a member that answered against what all that did have applied.
func (m *MemberStatus) measure(all logical.Frontier) {
	if m.Said == nil {
		return
	}
	if m.LacksOps = all.Beyond(m.Said.applied()); m.LacksOps == 0 {
		m.LacksSeconds = 0
	}
}

// heardOf takes in what the others say of a member. One that was asked by its address
// alone has the name that they know it by.
func (m *MemberStatus) heardOf(all []MemberStatus) {
	for _, p := range peersOf(all) {
		if p.Name != m.Name && (m.Said != nil || p.RESP != m.Addr || m.Addr == "") {
			continue
		}
		m.Name = p.Name
		m.LacksOps, m.LacksSeconds = max(m.LacksOps, p.LagOps), max(m.LacksSeconds, p.LagSeconds)
		if m.Seen == "" || m.Seen == "alive" {
			m.Seen = p.Member
		}
	}
}
