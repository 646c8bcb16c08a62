package console

import (
	"cmp"
	"slices"

	"kvd/logical"
)

// Source is the leader, as the console sees it. Both methods are called for each
// request, at the same time from several goroutines, and must answer at once.
type Source interface {
	// Ready is why the leader should not be sent clients now; none: it is ready.
	Ready() []Reason
	// Status is what the leader says of itself now. The console keeps none of it.
	Status() Status
}

// Cause is a kind of reason for not being ready.
type Cause string

// The causes.
const (
	Joining  Cause = "joining"  // no other leader was met yet
	Draining Cause = "draining" // about to stop
	Behind   Cause = "behind"   // too much of the others' is not applied yet
	Disk     Cause = "disk"     // reading or writing failed
)

// Reason is why a leader is not ready.
type Reason struct {
	Cause  Cause  `json:"cause"`
	Detail string `json:"detail"` // a sentence with the numbers
}

// Status is a leader's account of itself.
type Status struct {
	Name          string  `json:"name"`
	Origin        string  `json:"origin"`         // of its present life
	Policy        string  `json:"policy"`         // its text, as leaders compare it
	UptimeSeconds float64 `json:"uptime_seconds"` // since this life began

	Frontier logical.Frontier `json:"-"` // what is applied; shown as a list of places
	Peers    []Peer           `json:"peers"`

	GateOps         int `json:"gate_ops"`         // held until what they depend on arrives
	WaitingRequests int `json:"waiting_requests"` // until the leader has what their token has seen
	Clients         int `json:"clients"`          // connected
	StrandedOps     int `json:"stranded_ops"`     // that others said they had, and nobody who can be reached has

	Ledger Ledger `json:"ledger"`
	Feeds  Feeds  `json:"feeds"`
}

// Ledger is what is written down of lost writes.
type Ledger struct {
	State string `json:"state"` // on; off: nothing is written down, though losses are counted
	Rows  int64  `json:"rows"`  // lost writes
	Bytes int64  `json:"bytes"` // that they take on disk
	Shed  []Shed `json:"shed"`  // losses that were given up; none: nothing was
}

// Shed counts the losses under one resolver, in one relation, that the ledger
// gave up.
type Shed struct {
	Resolver string `json:"resolver"`
	Relation string `json:"relation"`
	Losses   int64  `json:"losses"`
}

// Feeds is who is told of losses as they happen.
type Feeds struct {
	Readers int    `json:"readers"` // now
	Missed  uint64 `json:"missed"`  // messages that readers were passed over with
}

// Peer is another leader, as this one sees it.
type Peer struct {
	Name       string  `json:"name"`
	Addr       string  `json:"addr"`
	Alive      bool    `json:"alive"`       // gossip says so
	Origin     string  `json:"origin"`      // of its present life, as gossip says
	LagOps     uint64  `json:"lag_ops"`     // of ours that it has not acknowledged
	LagSeconds float64 `json:"lag_seconds"` // age of the oldest of them
	QueueBytes uint64  `json:"queue_bytes"` // waiting to be sent

	Clock *Offset `json:"clock,omitempty"` // nil: not measured
}

// Offset is where a peer's clock may stand against ours, in seconds; positive:
// it is ahead.
type Offset struct {
	Earliest float64 `json:"earliest_seconds"`
	Latest   float64 `json:"latest_seconds"`
}

// place is one origin of a frontier. Origins are text: JSON readers round whole
// numbers of 64 bits.
type place struct {
	Origin string      `json:"origin"`
	Seq    logical.Seq `json:"seq"`
}

func places(f logical.Frontier) []place {
	list := make([]place, 0, f.Len())
	for d := range f.All() {
		list = append(list, place{d.Origin.String(), d.Seq})
	}
	return list
}

// sorted is the peers by name; the source's own slice stays as it is.
func sorted(peers []Peer) []Peer {
	peers = append([]Peer{}, peers...) // an empty list in JSON, never null
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Name, b.Name) })
	return peers
}
