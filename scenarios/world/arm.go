package world

import (
	"fmt"
	"time"

	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world/clientop"
	"kvd/storage/faulty"
	"kvd/wallclock"
)

// arm puts a scripted event on the agenda, or has it wait for its cause.
func (w *World) arm(e *script.Event) {
	switch t := e.Trigger.(type) {
	case script.At:
		w.plan(t.Time, e, 0)
	case script.Every:
		w.last = max(w.last, t.From+time.Duration(t.Times-1)*t.Period)
		w.repeat(t.From, t.Period, t.Times, func(turn int) { w.happen(e.Action, turn) })
	case script.After:
		w.triggers[t.Label] = append(w.triggers[t.Label], trigger{t.SeenBy, func() { w.plan(w.now+t.Plus, e, 0) }})
	}
}

// plan enters one happening of an event; turn counts the repetitions of every.
func (w *World) plan(at time.Duration, e *script.Event, turn int) {
	w.last = max(w.last, at)
	w.at(at, func() { w.happen(e.Action, turn) })
}

func (w *World) happen(a script.Action, turn int) {
	op, ok := a.(script.ClientOp)
	if !ok {
		w.inflict(a)
		return
	}
	w.clients[op.Client].do(operation{Operation: clientop.Take(op, turn, &w.unnamed)})
}

func (w *World) act(a script.Action) {
	w.noteNews()
	w.Fired.fault(w, a)
	switch a := a.(type) {
	case script.LinkFault:
		for _, l := range w.between(a.Path.Covers) {
			a.Change(&l.Quality)
		}
	case script.ClockFault:
		w.clockFault(a)
	case script.Partition:
		for _, l := range w.between(a.Divides) {
			l.cut = true
		}
	case script.Cut:
		w.link(path{a.Path.From, a.Path.To}).cut = true
	case script.Heal:
		w.heal(a.Path)
	case script.Pause:
		l := w.leaders[a.Leader]
		l.paused = max(l.paused, w.now+a.For)
		w.at(l.paused, w.noteNews)
	case script.Crash:
		w.leaders[a.Leader].crash(a)
	case script.Restart:
		w.restart(a.Leader)
	case script.Wipe:
		l := w.leaders[a.Leader]
		l.kill()
		w.History.DiskLost(w.now, a.Leader)
		l.disk = newDisk(true, w.chance("disk "+a.Leader))
	case script.Backup:
		var err error
		if w.backups[a.Name], err = w.leaders[a.Leader].disk.copy(script.UnsyncedKeep); err != nil {
			w.fail(err)
		}
	case script.Restore:
		if err := w.restore(a); err != nil {
			w.fail(err)
		}
	case script.DiskFault:
		w.diskFault(a)
	case script.Rot:
		if err := w.rot(a.Leader); err != nil {
			w.fail(err)
		}
	case script.Forget:
		w.forgotten[a.Leader] = true
	case script.Clone:
		if err := w.replace(a.To, w.leaders[a.From].disk); err != nil {
			w.fail(err)
		}
	}
}

// restart starts a leader on the disk it has. One that runs is killed first, as
// an operator's restart does.
func (w *World) restart(name string) {
	l := w.leaders[name]
	if l.pump != nil {
		l.crash(script.Crash{Leader: name, Unsynced: script.UnsyncedKeep})
	}
	if f := l.disk.faults.Fault(); f != faulty.None {
		w.Trace.Add(trace.Event{At: w.now, Kind: trace.Fault, Text: fmt.Sprintf("%s does not start: its disk is %s", name, f)})
		return
	}
	if err := l.beginAnew(); err != nil {
		w.fail(fmt.Errorf("restart: %w", err))
		return
	}
	if err := l.start(); err != nil {
		w.fail(fmt.Errorf("restart: %w", err))
		return
	}
	for _, key := range w.script.Keys() {
		ev := trace.Event{At: w.now, Kind: trace.Started, Where: name, Key: key}
		l.shows(&ev)
		w.Trace.Add(ev)
	}
}

func (w *World) clockFault(f script.ClockFault) {
	for _, n := range w.names {
		if f.Leader == n || f.Leader == script.AllLeaders {
			l := w.leaders[n]
			l.clock = faulted(l.clock, f, w.instant())
			w.Clocks = append(w.Clocks, ClockChange{w.now, n, l.clock})
			l.sweepAll()
		}
	}
}

// faulted is the clock after a fault at true time now.
func faulted(c wallclock.Skewed, f script.ClockFault, now wallclock.Instant) wallclock.Skewed {
	faults := c.Faults()
	f.Offset.To(&faults.Offset)
	f.Error.To(&faults.Error)
	if f.DriftPPM.Set {
		faults.Drift = float64(f.DriftPPM.Value)
	}
	if f.Strobe.Set {
		faults.Strobe = wallclock.Strobe{Amplitude: f.Strobe.Value.Amplitude, Period: f.Strobe.Value.Period}
	}
	c = c.With(faults, now)
	if f.Step.Set {
		c = c.Step(f.Step.Value)
	}
	if f.Freeze.Set {
		// Frozen, and then on from where it stood: late by as much.
		c = c.Freeze(now, f.Freeze.Value).Step(-f.Freeze.Value)
	}
	return c
}
