package script

import (
	"fmt"
	"slices"
	"time"
)

// Action is something that happens to the cluster: ClientOp, LinkFault,
// ClockFault, Partition, Cut, Heal, Pause, Crash, Restart, Wipe, Backup, Restore,
// Clone, DiskFault, Rot or Forget, always as a value, never as a pointer. String is its canonical
// text.
type Action interface {
	fmt.Stringer
	action()
}

// Trigger says when an event happens: At, After or Every.
type Trigger interface {
	fmt.Stringer
	trigger()
}

// At triggers once, at a true time.
type At struct {
	Time time.Duration // since true time zero, not negative
}

// After triggers once, caused by an earlier labelled operation.
type After struct {
	Label  string
	SeenBy string        // the leader that must have applied it; "": its client has the acknowledgement
	Plus   time.Duration // waited after that
}

// Every triggers Times times: at From, From+Period and so on.
type Every struct {
	Period time.Duration
	Times  int
	From   time.Duration // since true time zero
}

func (At) trigger()    {}
func (After) trigger() {}
func (Every) trigger() {}

// OpKind is what a client does.
type OpKind string

// The client operations. OpIncr is the server's increment. OpUpdate and
// OpAppend are the client's own read, change and write with the token it
// read: OpAppend takes values for sets of comma-separated elements, joins
// siblings by union and adds its element. OpExpire lets what the key shows end some time
// later, and OpKeep takes its deadline away; neither writes a value. OpGoto moves the client
// to another leader. OpLock takes a lock for a time, and OpUnlock gives it back.
const (
	OpSet    OpKind = "set"
	OpGet    OpKind = "get"
	OpDelete OpKind = "delete"
	OpIncr   OpKind = "incr"
	OpUpdate OpKind = "update"
	OpAppend OpKind = "append"
	OpGoto   OpKind = "goto"
	OpLock   OpKind = "lock"
	OpUnlock OpKind = "unlock"
	OpExpire OpKind = "expire"
	OpKeep   OpKind = "persist"
)

// ClientOp is one operation of one client. Timeout and Retry override the
// client's own; zero and "" leave them.
type ClientOp struct {
	Client  string
	Kind    OpKind
	Key     string // all but OpGoto, OpLock and OpUnlock
	Value   string // OpSet: the value; OpAppend: the element, to which Every adds the repetition's number
	Amount  int64  // OpIncr and OpUpdate, not zero
	Leader  string // OpGoto
	Label   string // unique, or ""
	Timeout time.Duration
	Retry   string
	Pause   time.Duration // OpUpdate and OpAppend: the client stands still between its read and its write

	Lock    string             // OpLock, OpUnlock: which; others: done only by a client that was given it; "": by any
	Fenced  bool               // with Lock, others: sent under the lock's token, and refused once the lease may be over
	TTL     time.Duration      // OpLock: how long it lasts; OpExpire: counted from when its leader does it
	Wait    Opt[time.Duration] // OpLock: how long for whoever holds it; not set: as long as it takes
	Redlock bool               // OpLock: not the quorum decides, but a majority of leaders by their own wall clocks
}

// Locks reports whether the operation takes or gives back a lock.
func (o ClientOp) Locks() bool { return o.Kind == OpLock || o.Kind == OpUnlock }

// Writes reports whether the operation leaves something others could see.
func (o ClientOp) Writes() bool { return o.Kind != OpGet && o.Kind != OpGoto && !o.Locks() }

// Touches reports whether the operation states a deadline and writes no value.
func (o ClientOp) Touches() bool { return o.Kind == OpExpire || o.Kind == OpKeep }

// Observed reports whether the operation reads or writes values, so that what came of it can
// be judged by them.
func (o ClientOp) Observed() bool { return !o.Locks() && !o.Touches() }

// Opt is a value that a line may leave as it was.
type Opt[T any] struct {
	Value T
	Set   bool
}

// To stores the value, if there is one.
func (o Opt[T]) To(dst *T) {
	if o.Set {
		*dst = o.Value
	}
}

// Some is a stated value.
func Some[T any](v T) Opt[T] { return Opt[T]{v, true} }

// Rate is a probability in parts per million: 1% is 10,000.
type Rate int64

// Fraction is the rate as a number from 0 to 1.
func (r Rate) Fraction() float64 { return float64(r) / 1e6 }

// Path is one direction between two leaders or between a client and a leader.
// The zero Path means all of them.
type Path struct {
	From, To string
	Reply    bool // To is a client: the path carries the replies to it
}

// All reports whether the path means every path.
func (p Path) All() bool { return p == Path{} }

// Covers reports whether the path is that from one to the other, or means every path.
func (p Path) Covers(from, to string) bool { return p.All() || p.From == from && p.To == to }

// Quality is how a link behaves. Reorder is the share of messages that are overtaken.
type Quality struct {
	Delay, Jitter            time.Duration
	Loss, Duplicate, Reorder Rate
}

// LinkFault sets qualities of one path between leaders, or of all of them;
// qualities not stated stay as they are.
type LinkFault struct {
	Path                     Path
	Delay, Jitter            Opt[time.Duration]
	Loss, Duplicate, Reorder Opt[Rate]
}

// Change makes the quality what the fault says.
func (f LinkFault) Change(q *Quality) {
	f.Delay.To(&q.Delay)
	f.Jitter.To(&q.Jitter)
	f.Loss.To(&q.Loss)
	f.Duplicate.To(&q.Duplicate)
	f.Reorder.To(&q.Reorder)
}

// AllLeaders, as a ClockFault's Leader, means every leader.
const AllLeaders = "*"

// ClockFault changes the wall clock of one leader or of all; what is not
// stated stays as it is.
type ClockFault struct {
	Leader   string
	Offset   Opt[time.Duration] // what it shows minus true time
	DriftPPM Opt[int64]         // how much faster than true time it runs
	Error    Opt[time.Duration] // the half-width it claims
	Step     Opt[time.Duration] // added to the offset, once
	Freeze   Opt[time.Duration] // it shows the same instant for this long, then goes on from there
	Strobe   Opt[Strobe]
}

// Strobe swings a clock between -Amplitude and +Amplitude around its offset,
// changing side every Period. The zero Strobe ends it.
type Strobe struct {
	Amplitude, Period time.Duration
}

// Partition cuts every path between leaders of different sides. Leaders on no
// side keep all their links.
type Partition struct {
	Sides [][]string
}

// Divides reports whether two leaders are on different sides.
func (p Partition) Divides(a, b string) bool {
	side := func(leader string) int {
		return slices.IndexFunc(p.Sides, func(names []string) bool { return slices.Contains(names, leader) })
	}
	return side(a) >= 0 && side(b) >= 0 && side(a) != side(b)
}

// Cut drops everything on one path.
type Cut struct {
	Path Path
}

// Heal ends cuts and partitions, on one path or everywhere. Qualities set by
// a LinkFault stay.
type Heal struct {
	Path Path
}

// Pause stops a leader's process for a while; it does not notice.
type Pause struct {
	Leader string
	For    time.Duration
}

// Unsynced is what becomes of bytes written but not yet synced in a crash.
type Unsynced string

// The fates of unsynced bytes. Unstated leaves the choice to the runner.
const (
	UnsyncedUnstated Unsynced = ""
	UnsyncedKeep     Unsynced = "keep"
	UnsyncedLose     Unsynced = "lose"
	UnsyncedTorn     Unsynced = "torn"
)

// Crash kills a leader's process.
type Crash struct {
	Leader   string
	Unsynced Unsynced
}

// Restart starts a leader again on the disk it has.
type Restart struct {
	Leader string
}

// Wipe empties a leader's disk.
type Wipe struct {
	Leader string
}

// Backup copies a leader's disk and keeps the copy under Name.
type Backup struct {
	Leader, Name string
}

// Restore replaces a leader's disk by a copy taken earlier.
type Restore struct {
	Leader, Name string
}

// Clone replaces a leader's disk by a copy of another's as it is now.
type Clone struct {
	From, To string
}

// DiskState is how a disk behaves.
type DiskState string

// A full disk takes nothing more; of a broken one nothing can be changed. Both are read.
const (
	DiskOK     DiskState = "ok"
	DiskFull   DiskState = "full"
	DiskBroken DiskState = "broken"
)

// DiskFault changes how a leader's disk behaves.
type DiskFault struct {
	Leader string
	State  DiskState
}

// Rot flips one bit in the middle of a leader's log.
type Rot struct {
	Leader string
}

// Forget has the others count on a leader no more: it is not linked to them until it is
// restarted, begins anew then with what they have, and what it alone had is in none of them.
type Forget struct {
	Leader string
}

func (ClientOp) action()   {}
func (LinkFault) action()  {}
func (ClockFault) action() {}
func (Partition) action()  {}
func (Cut) action()        {}
func (Heal) action()       {}
func (Pause) action()      {}
func (Crash) action()      {}
func (Restart) action()    {}
func (Wipe) action()       {}
func (Backup) action()     {}
func (Restore) action()    {}
func (Clone) action()      {}
func (DiskFault) action()  {}
func (Rot) action()        {}
func (Forget) action()     {}

// cloneAction copies what an action points to; only partitions point.
func cloneAction(a Action) Action {
	p, ok := a.(Partition)
	if !ok {
		return a
	}
	return Partition{cloneEach(p.Sides, func(side *[]string) { *side = clone(*side) })}
}
