package world

import (
	"strings"
	"time"

	"kvd/replica"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/storage/faulty"
	"kvd/wallclock"
)

// Mend is a moment from which a run goes on without its troubles: whoever asks whether
// something could still have been avoided plays the run again with one. Up to that moment
// the run is the same, event for event.
type Mend struct {
	At      time.Duration // true time; it is mended just before what happens then
	Repairs Repairs
}

// Repairs is a set of what is put right, and stays right: faults of the script that would
// spoil it again do not happen.
type Repairs uint8

// The repairs.
const (
	// Links: messages sent from then on take no time, and none is lost. Leaders connect
	// anew, so that each tells the others at once all that they lack.
	Links Repairs = 1 << iota
	// Clocks: every clock shows true time. The error that it claims stays.
	Clocks
	// Machines: who is paused goes on, who is down runs again on the disk that it has, and
	// disks take what is written.
	Machines

	AllRepairs = Links | Clocks | Machines
)

// EachRepair is the repairs one by one.
var EachRepair = []Repairs{Links, Clocks, Machines}

// String names the repairs.
func (r Repairs) String() string {
	var names []string
	for i, name := range []string{"links", "clocks", "machines"} {
		if r&EachRepair[i] != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// mendAt enters the mending. What it brings about must be over when the moment comes: it is
// an instant before, and at time zero before everything else.
func (w *World) mendAt(m Mend) {
	if m.Repairs != 0 {
		w.enter(&w.news, max(0, m.At-1), 0, func() { w.mend(m.Repairs) })
	}
}

func (w *World) mend(r Repairs) {
	w.mended = r
	w.noteNews()
	if r&Clocks != 0 {
		for _, n := range w.names {
			l := w.leaders[n]
			l.clock = wallclock.NewSkewed(wallclock.Faults{Error: l.clock.Faults().Error}, w.instant())
			w.Clocks = append(w.Clocks, ClockChange{w.now, n, l.clock})
		}
	}
	if r&Links != 0 {
		for _, l := range w.links {
			l.Quality, l.cut, l.last = script.Quality{}, false, w.now
		}
	}
	if r&Machines != 0 {
		for _, n := range w.names {
			w.leaders[n].revive()
		}
	}
	if r&Links != 0 {
		w.reconnect()
	}
}

// revive lets a leader run.
func (l *leader) revive() {
	l.disk.faults.Set(faulty.None)
	if l.pump == nil || l.halted != nil {
		l.w.restart(l.name)
		return
	}
	if l.paused > l.w.now {
		l.paused, l.due = l.w.now, false
		l.arrange()
	}
}

// reconnect makes every leader forget what it has sent and has no answer to.
func (w *World) reconnect() {
	for _, n := range w.names {
		for _, m := range w.names {
			if m != n {
				w.leaders[n].receive(replica.PeerDown{Peer: replica.Leader(m)})
				w.leaders[n].receive(replica.PeerUp{Peer: replica.Leader(m)})
			}
		}
	}
}

// spoils reports whether an action of the script would undo what is mended.
func (w *World) spoils(a script.Action) bool {
	switch a := a.(type) {
	case script.LinkFault, script.Partition, script.Cut:
		return w.mended&Links != 0
	case script.ClockFault:
		return w.mended&Clocks != 0
	case script.Pause, script.Crash, script.Wipe, script.Restore, script.Clone, script.DiskFault, script.Rot, script.Forget:
		return w.mended&Machines != 0
	case script.Restart:
		return w.mended&Machines != 0 && w.leaders[a.Leader].pump != nil
	}
	return false
}

// inflict is a fault of the script happening, unless everything it spoils is mended.
func (w *World) inflict(a script.Action) {
	if w.spoils(a) {
		return
	}
	w.Trace.Add(trace.Event{At: w.now, Kind: trace.Fault, Text: a.String()})
	w.act(a)
}
