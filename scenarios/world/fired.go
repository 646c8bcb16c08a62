package world

import (
	"strings"

	"kvd/replica"
	"kvd/scenarios/script"
)

// Fired counts what a run came upon, by what people call it: a promise that held
// says nothing about a fault that never fired.
type Fired map[string]int

// Happenings lists everything that is counted, in the order of a table: faults
// by their script verbs, then what links did, then how leaders and clients had
// to bear it.
func Happenings() []string {
	return []string{
		"partition", "cut between leaders", "cut of requests", "cut of replies", "heal", "pause",
		"crash", "crash unsynced=keep", "crash unsynced=lose", "crash unsynced=torn", "crash between writing and syncing",
		"restart", "backup", "restore", "clone", "wipe", "clock set", "clock step", "clock freeze", "clock strobe", "link quality",
		"message lost", "message duplicated", "message overtaken",
		"request sent again", "retry recognised", "duplicates found", "a request accepted three times", "request refused", "request refused, overloaded", "token waited", "token given up",
		"shipped again", "relayed", "buffered at the gate", "gap at the gate", "duplicate dropped", "gate full",
		"drift refused", "drift refused of a token", "loss recorded", "loss retracted",
	}
}

// Add counts all that other counted.
func (f Fired) Add(other Fired) {
	for what, n := range other {
		f[what] += n
	}
}

// fault counts a scripted action, under all names that it goes by.
func (f Fired) fault(w *World, a script.Action) {
	switch a := a.(type) {
	case script.Cut:
		f[w.cutName(a)]++
	case script.LinkFault:
		f["link quality"]++
	case script.ClockFault:
		f.clock(a)
	case script.Crash: // counted when a running leader does
	default:
		verb, _, _ := strings.Cut(a.String(), " ")
		f[verb]++
	}
}

// crash counts one crash of a running leader, and its flavour.
func (f Fired) crash(u script.Unsynced) {
	f["crash"]++
	if u != script.UnsyncedUnstated {
		f["crash unsynced="+string(u)]++
	}
}

func (w *World) cutName(c script.Cut) string {
	switch {
	case c.Path.Reply:
		return "cut of replies"
	case w.isClient(c.Path.From):
		return "cut of requests"
	}
	return "cut between leaders"
}

func (f Fired) clock(c script.ClockFault) {
	for what, set := range map[string]bool{
		"clock set": c.Offset.Set || c.DriftPPM.Set, "clock step": c.Step.Set,
		"clock freeze": c.Freeze.Set, "clock strobe": c.Strobe.Set,
	} {
		if set {
			f[what]++
		}
	}
}

// event counts what a leader released as a fact.
func (f Fired) event(l *leader, e replica.Event) {
	switch e := e.(type) {
	case replica.DuplicateFound:
		f["duplicates found"]++
		if e.Dots > 2 {
			f["a request accepted three times"]++
		}
	case replica.TokenWaited:
		f[map[bool]string{true: "token given up", false: "token waited"}[e.GaveUp]]++
	case replica.PeerBehind:
		f[map[bool]string{true: "shipped again", false: "relayed"}[e.Origin == l.origins[len(l.origins)-1]]]++
	case replica.Buffered:
		f[map[bool]string{true: "gap at the gate", false: "buffered at the gate"}[e.Gap]]++
	case replica.Dropped:
		f[map[bool]string{true: "duplicate dropped", false: "gate full"}[e.Reason == replica.Duplicate]]++
	case replica.ClockAhead:
		f[map[bool]string{true: "drift refused of a token", false: "drift refused"}[e.Dot.IsZero()]]++
	case *replica.Judged:
		f.verdict(e)
	}
}

func (f Fired) verdict(e *replica.Judged) {
	n := len(e.Verdict.Resolvers.Names())
	switch {
	case e.Verdict.Retracted:
		f["loss retracted"] += n
	case e.Verdict.Relation.Lost():
		f["loss recorded"] += n
	}
}
