package console

import (
	"cmp"
	"slices"
	"time"

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

// The causes. A leader that refuses writes is not ready either, and gives the
// cause of that. While one of the three in the middle holds, clients are answered
// LOADING.
const (
	Joining  Cause = "joining"  // no other leader is known yet
	Draining Cause = "draining" // about to stop
	Behind   Cause = "behind"   // too much of the others' is not applied yet
	Disk     Cause = "disk"     // reading or writing failed

	Damaged     Cause = "damaged" // what the store had is missing, or cannot be read
	OtherPolicy Cause = "policy"  // others went over to a policy that this leader cannot go over to

	Oversized Cause = "unsendable" // a write is too large to be sent to a peer, and holds up those after it

	CatchingUp Cause = "catching-up" // it began without data and has not yet what others had then
	Folding    Cause = "folding"     // objects are made anew from the log
	Repairing  Cause = "repairing"   // what was damaged is fetched from others
)

// Reason is why a leader is not ready.
type Reason struct {
	Cause    Cause     `json:"cause"`
	Detail   string    `json:"detail"`             // a sentence with the numbers
	Progress *Progress `json:"progress,omitempty"` // nil: the reason does not pass by itself
}

// Progress is how far a leader has come with what keeps it from serving.
type Progress struct {
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"` // zero: it is not known yet
}

// Status is what a leader says of itself.
type Status struct {
	Name          string  `json:"name"`
	Origin        string  `json:"origin"`         // that it accepts writes under
	Policy        string  `json:"policy"`         // its text, as leaders compare it
	PolicyNumber  uint64  `json:"policy_number"`  // of the policy, as it was set while leaders ran; 0: settings say it
	PolicyBehind  string  `json:"policy_behind"`  // which policy others went over to and it cannot, and why; empty: none
	UptimeSeconds float64 `json:"uptime_seconds"` // since this process began; its origin may be older

	Frontier logical.Frontier `json:"-"` // what is applied; shown as a list of positions
	Peers    []Peer           `json:"peers"`

	// Sync is when what is applied reaches the disk: always, before it is
	// acknowledged; interval, some time after; never, when the operating system
	// likes, and nobody is told. UnsyncedOps is what waits under interval.
	Sync        string `json:"sync"`
	UnsyncedOps uint64 `json:"unsynced_ops"`

	ClockErrorSeconds float64 `json:"clock_error_seconds"` // that the leader claims for its own clock, either way
	Clock             Clock   `json:"clock"`               // what that claim comes from
	UnsharedOps       int     `json:"unshared_ops"`        // accepted here, and not known to be durable anywhere else
	Usage             Usage   `json:"usage"`

	Disk   DiskStatus   `json:"disk"`
	Repair RepairStatus `json:"repair"`

	GateOps         int          `json:"gate_ops"`         // held until what they depend on arrives
	AcksWaiting     int64        `json:"acks_waiting"`     // calls whose writes wait until other leaders hold them, or until their stamps are past
	CommitWaiting   int64        `json:"commit_waiting"`   // those of them whose stamps are waited for
	WaitingRequests int          `json:"waiting_requests"` // until the leader has what their token has seen
	GateBytes       int          `json:"gate_bytes"`       // what the ops held take in memory
	WaitingBytes    int          `json:"waiting_bytes"`    // what the requests that wait take
	Clients         int          `json:"clients"`          // connected
	ClientMemory    ClientMemory `json:"client_memory"`
	UnreplicatedOps int          `json:"unreplicated_ops"` // that others said they had, and nobody who can be reached has
	MissingOps      int          `json:"missing_ops"`      // that the store had lost when the leader started, and that have not come back
	Damage          string       `json:"damage"`           // what is missing or cannot be read, in a sentence; empty: nothing

	RefusesWrites []Reason `json:"refuses_writes"` // why writes are refused while reads go on; none: they are taken

	Origins   Origins `json:"origins"`
	Conflicts int     `json:"conflicts"` // dots with one content here and another at a leader that was met, and not settled

	Log       Log       `json:"log"`
	Transfer  Transfer  `json:"state_transfer"`
	Deletions Deletions `json:"deletions"`
	Ledger    Ledger    `json:"ledger"`
	Feeds     Feeds     `json:"feeds"`

	Subscribers Subscribers `json:"subscribers"`

	Quorum Quorum `json:"quorum"` // who decides about locks

	Backup Backup `json:"last_backup"`

	Forgotten []Forgotten `json:"forgotten"` // what was last said of leaders that were ever forgotten, by name
}

// Quorum is who decides by majority about locks, as this leader knows it.
type Quorum struct {
	Voters []string `json:"voters"` // none: there is no quorum, or this leader was never told of it
	Votes  bool     `json:"votes"`  // this leader does
	Leader string   `json:"leader"` // empty: nobody leads, or it is not known here
	Leads  bool     `json:"leads"`  // this leader does
	// LeaderlessSeconds is for how long a voter has known of nobody who leads: no majority is there.
	LeaderlessSeconds float64 `json:"leaderless_seconds"`
	Epoch             uint64  `json:"epoch"`
	Term              uint64  `json:"term"`
	Locks             int     `json:"locks"` // that are held, as a voter knows
	LockBytes         int     `json:"lock_bytes"`
	Expired           uint64  `json:"expired"`        // leases that ended because nobody renewed them, since this process began
	FencedWrites      uint64  `json:"fenced_writes"`  // accepted here under a token
	FencedRefused     uint64  `json:"fenced_refused"` // refused here, because the lease was over
}

// Forgotten is that the others wait for a leader no more, or do again.
type Forgotten struct {
	Name    string    `json:"name"`
	At      time.Time `json:"at"` // exact: which of two counts is decided by it
	By      string    `json:"by"` // the leader that was asked for it
	Lifted  bool      `json:"lifted"`
	Present bool      `json:"present"` // it is there, and not let in
}

// Backup is the last backup of the leader's store that a client says it has.
type Backup struct {
	Taken   time.Time `json:"taken,omitzero"` // the moment that it shows; zero: none was taken
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`   // of the store's files
	Seconds float64   `json:"seconds"` // that it took
	Running bool      `json:"running"` // one is under way
}

// Unix is the moment in seconds since 1970; zero: none was taken.
func (b Backup) Unix() float64 {
	if b.Taken.IsZero() {
		return 0
	}
	return float64(b.Taken.UnixMilli()) / 1000
}

// Clock is what a leader knows of its own clock.
type Clock struct {
	Asked          string        `json:"asked"`  // as the leader was told: auto, kernel, ntp:HOST, ...
	Source         string        `json:"source"` // whose answer counts; claim: nobody's, since none ever came
	Answers        bool          `json:"answers"`
	AgeSeconds     float64       `json:"age_seconds"`    // of that answer
	Steps          int           `json:"steps"`          // how often the clock was seen to be set
	Contradictions int           `json:"contradictions"` // answers that contradicted the ones before
	Sources        []ClockSource `json:"sources"`
	Judged         *Judged       `json:"judged,omitempty"` // by the clocks of all members; nil: not yet
}

// Judged is what a leader makes of all members' clocks, its own among them. Times are in
// seconds, against its own clock; positive: ahead.
type Judged struct {
	State       string        `json:"state"` // agreed; too-few: no majority was heard; split: no majority agrees
	Members     int           `json:"members"`
	Heard       int           `json:"heard"`
	Quorum      int           `json:"quorum"`
	Quarantine  string        `json:"quarantine"` // what is refused when the clock is wrong: warn, stamps, all
	Suspected   bool          `json:"suspected"`  // its own clock was outside of late
	Quarantined bool          `json:"quarantined"`
	Majority    *Offset       `json:"majority,omitempty"` // where most members place true time
	Min         float64       `json:"min_seconds"`        // of all clocks
	Median      float64       `json:"median_seconds"`
	Max         float64       `json:"max_seconds"`
	Clocks      []JudgedClock `json:"clocks"` // its own first, then those that were heard, by name
}

// JudgedClock is one of them.
type JudgedClock struct {
	Name    string  `json:"name"`
	Outside float64 `json:"outside_seconds"` // how far outside of where most place true time, whatever messages take; 0: within
	Claims  float64 `json:"claims_seconds"`  // the error that it claims, either way
	Offset
}

// Quarantined reports whether the leader's own clock is in quarantine.
func (c *Clock) Quarantined() bool { return c.Judged != nil && c.Judged.Quarantined }

// Outside is how far the leader's own clock lies outside; zero: it does not, or nobody can
// tell.
func (c *Clock) Outside() float64 {
	if c.Judged == nil || len(c.Judged.Clocks) == 0 {
		return 0
	}
	return c.Judged.Clocks[0].Outside
}

// ClockSource is one of those that were asked.
type ClockSource struct {
	Name        string  `json:"name"`
	Used        bool    `json:"used"`
	Ahead       *Offset `json:"ahead,omitempty"` // true time against this machine's clock; nil: it did not say
	Reason      string  `json:"reason,omitempty"`
	Unavailable string  `json:"unavailable,omitempty"` // why it did not say, and what to do about it
}

// Silent reports whether the clock is to be judged by a source that does not answer.
func (c *Clock) Silent() bool { return c.Asked != "claim" && c.Asked != "auto" && !c.Answers }

// Usage is what a leader takes of its machine, in bytes.
type Usage struct {
	LogBytes    uint64  `json:"log_bytes"`          // files of the write-ahead log, what is preallocated included
	StoreBytes  uint64  `json:"store_bytes"`        // all files of the store, the log's among them
	MemoryBytes uint64  `json:"memory_bytes"`       // of the process, resident; leaders of one process say the same
	MemoryLimit uint64  `json:"memory_limit_bytes"` // what it is meant to be at most; 0: nobody said
	DiskFree    *uint64 `json:"disk_free"`          // that the store's file system has for it; null: it cannot say
	DiskBytes   *uint64 `json:"disk_bytes"`         // how large that is
}

// DiskStatus is how the disk beneath the store does.
type DiskStatus struct {
	MinFreeBytes   uint64      `json:"min_free_bytes"`  // below which no writes are taken, and below half of which no ops of others
	TakesOps       bool        `json:"takes_ops"`       // of other leaders
	CallSeconds    float64     `json:"call_seconds"`    // age of the oldest write or sync that has not returned
	SlowestSeconds float64     `json:"slowest_seconds"` // of the slowest of the last ten seconds
	Slow           bool        `json:"slow"`            // so that clients are better sent elsewhere
	Scrub          ScrubStatus `json:"scrub"`
}

// RepairStatus is what this process found when it compared objects with other leaders'.
type RepairStatus struct {
	Rounds    uint64 `json:"rounds"`    // by themselves, that were ended
	Keys      uint64 `json:"keys"`      // that were compared
	Explained uint64 `json:"explained"` // that differed because ops were under way
	Mended    uint64 `json:"mended"`    // that were wrong here
	Theirs    uint64 `json:"theirs"`    // that were wrong at another leader
	Undecided uint64 `json:"undecided"` // of which nobody knows who is right
}

// ScrubStatus is what this process read to find damage.
type ScrubStatus struct {
	Bytes  uint64 `json:"bytes"`
	Rounds uint64 `json:"rounds"` // that were ended
	Places uint64 `json:"places"` // that are damaged
	File   string `json:"file"`   // that is being read; empty: none is
}

// Origins is how many origins there are in the logs here, and may be.
type Origins struct {
	Count      int      `json:"count"`
	Max        int      `json:"most"`
	Refused    []string `json:"refused"`     // whose writes are not taken here; the first of them
	RefusedOps uint64   `json:"refused_ops"` // how often one came
}

// Scarce is how many there are beyond seven eighths of what may be; 0: there are fewer.
func (o *Origins) Scarce() int { return max(0, o.Count-o.Max*7/8) }

// Log is what the write-ahead log holds, and what of it can go.
type Log struct {
	Bytes            int64  `json:"bytes"`             // of its segments, without what is preallocated
	CollectableBytes int64  `json:"collectable_bytes"` // outside of history and known everywhere: about to go
	StableOps        uint64 `json:"stable_ops"`        // known to be held durably by every member
	RemovedOps       uint64 `json:"removed_ops"`       // that are not kept any more; history begins behind them
}

// Deletions is what is left of what was deleted. It goes once it is outside of history and
// every member has promised to stamp later writes above it.
type Deletions struct {
	Keys       int64  `json:"keys"`       // of which nothing is left but that they were deleted
	Tombstones int64  `json:"tombstones"` // deletions that are kept, of these keys and of others
	Voids      int64  `json:"voids"`      // additions to counters that are noted as counted under another dot
	Dropped    uint64 `json:"dropped"`    // keys of which nothing is left any more, since the start
}

// Ledger is what is written down of lost writes.
type Ledger struct {
	State   string    `json:"state"`   // on; off: nothing is written down, though losses are counted
	Rows    int64     `json:"rows"`    // lost writes
	Bytes   int64     `json:"bytes"`   // that they take on disk
	Evicted []Evicted `json:"evicted"` // losses that were given up; none: nothing was
}

// Evicted counts the losses under one resolver, in one relation, that the ledger
// gave up.
type Evicted struct {
	Resolver string `json:"resolver"`
	Relation string `json:"relation"`
	Losses   int64  `json:"losses"`
}

// ClientMemory is what clients make the leader hold.
type ClientMemory struct {
	Limit   int64  `json:"limit"`   // bytes that all of them may use together
	Used    int64  `json:"used"`    // bytes
	Waiting int    `json:"waiting"` // connections that wait for others to give some back
	Cut     uint64 `json:"cut"`     // connections cut because others needed what they held
}

// Published is what clients published here, to one peer.
type Published struct {
	Sent    uint64 `json:"sent"`
	Dropped uint64 `json:"dropped"` // the link was down, cut, or had too much waiting
}

// Subscribers is who listens at this leader to what clients publish.
type Subscribers struct {
	Cut     uint64 `json:"cut"`     // connections cut because too much waited for them
	Unheard uint64 `json:"unheard"` // messages that nobody here was sent, for want of memory
}

// Transfer is the state of another leader that is being fetched, since no leader keeps the ops
// that this one needs.
type Transfer struct {
	From       string `json:"from"` // empty: nothing is being fetched
	Bytes      int64  `json:"bytes"`
	TotalBytes int64  `json:"total_bytes"`
	Failed     string `json:"failed,omitempty"` // why it could not be had; it is tried again
}

// Feeds is who is told of losses as they happen.
type Feeds struct {
	Readers int    `json:"readers"` // now
	Missed  uint64 `json:"missed"`  // messages that readers were passed over with
}

// Peer is another leader, as this one sees it.
type Peer struct {
	Name   string `json:"name"`
	Addr   string `json:"addr"`
	RESP   string `json:"resp"`    // where it serves clients
	HTTP   string `json:"http"`    // where its pages are
	Member string `json:"member"`  // what gossip makes of it: alive, leaving, left, failed; absent: not met since this leader started
	Alive  bool   `json:"alive"`   // gossip says so
	Origin string `json:"origin"`  // at present, as gossip says
	LinkUp bool   `json:"link_up"` // what is sent to it leaves
	// LinkSeconds is for how long LinkUp is so; null: it never was up.
	LinkSeconds *float64 `json:"link_seconds"`
	Phi         float64  `json:"phi"`         // how sure it is that it is gone: 1 is wrong one time in ten, 3 suspects it, 8 takes it for gone
	LagOps      uint64   `json:"lag_ops"`     // applied here, whoever accepted them, that it is not known to have
	LagSeconds  float64  `json:"lag_seconds"` // age of the oldest of them
	AheadOps    uint64   `json:"ahead_ops"`   // that it is known to have and that are not applied here
	QueueBytes  uint64   `json:"queue_bytes"` // waiting to be sent

	PinnedBytes int64 `json:"pinned_bytes"` // of log that would be removed if it were known to hold everything
	Outpaced    bool  `json:"outpaced"`     // it needs ops that the log here does not keep any more

	Published Published `json:"published"`

	Clock *Offset `json:"clock,omitempty"` // nil: not measured

	Unsendable *Unsendable `json:"unsendable,omitempty"` // nil: all can be sent
}

// Unsendable is a write that is too large to be sent to a peer. It holds up what
// its origin accepted after it.
type Unsendable struct {
	Dot    string `json:"dot"`
	Key    string `json:"key"`
	Bytes  int    `json:"bytes"`
	Limit  int    `json:"limit"`
	Detail string `json:"detail"` // a sentence: which, to whom, why, and what to do
}

// Offset is where a peer's clock may stand against ours, in seconds; positive:
// it is ahead.
type Offset struct {
	Earliest float64 `json:"earliest_seconds"`
	Latest   float64 `json:"latest_seconds"`
}

// position is one origin of a frontier. Origins are text: JSON readers round whole
// numbers of 64 bits.
type position struct {
	Origin string      `json:"origin"`
	Seq    logical.Seq `json:"seq"`
}

func positions(f logical.Frontier) []position {
	list := make([]position, 0, f.Len())
	for d := range f.All() {
		list = append(list, position{d.Origin.String(), d.Seq})
	}
	return list
}

// sorted is the peers by name; the source's own slice stays as it is.
func sorted(peers []Peer) []Peer {
	peers = append([]Peer{}, peers...) // an empty list in JSON, never null
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Name, b.Name) })
	return peers
}
