package console

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"kvd/replica/acl"
)

// State is what a leader does for clients, in a word.
type State string

// The states, the first that fits.
const (
	StateDraining State = "draining"  // about to stop: takes no clients
	StateLoading  State = "loading"   // answers LOADING
	StateReadOnly State = "read-only" // reads are served, writes are refused
	StateServing  State = "serving"
)

// report is what /status and KVD.STATUS answer.
type report struct {
	Status
	Frontier []position `json:"frontier"`
	State    State      `json:"state"`
	Ready    bool       `json:"ready"`
	Reasons  []Reason   `json:"reasons"`
	Alarms   []Reason   `json:"alarms"`
	Go       string     `json:"go"`
}

// reportOf leaves s as it is.
func reportOf(s Status, reasons []Reason, user *acl.Rights) report {
	s.Peers = sorted(s.Peers)
	hideKeys(s.Peers, user)
	s.RefusesWrites = append([]Reason{}, s.RefusesWrites...)
	s.Origins.Refused = append([]string{}, s.Origins.Refused...)
	s.Forgotten = append([]Forgotten{}, s.Forgotten...)
	s.Quorum.Voters = append([]string{}, s.Quorum.Voters...)
	s.Ledger.Evicted = append([]Evicted{}, s.Ledger.Evicted...) // an empty list in JSON, never null
	return report{
		Status: s, Frontier: positions(s.Frontier), Go: runtime.Version(), State: stateOf(&s, reasons),
		Ready: len(reasons) == 0, Reasons: append([]Reason{}, reasons...), Alarms: append([]Reason{}, alarmsOf(&s, reasons)...),
	}
}

// StatusJSON is the page /status as anybody may see it.
func StatusJSON(src Source) ([]byte, error) {
	return json.Marshal(reportOf(src.Status(), src.Ready(), &acl.Rights{}))
}

func stateOf(s *Status, reasons []Reason) State {
	has := func(cs ...Cause) bool {
		return slices.ContainsFunc(reasons, func(r Reason) bool { return slices.Contains(cs, r.Cause) })
	}
	switch {
	case has(Draining):
		return StateDraining
	case has(CatchingUp, Folding, Repairing):
		return StateLoading
	case refusing(s) > 0:
		return StateReadOnly
	}
	return StateServing
}

// refusing is how many causes there are for which writes of every key are refused.
func refusing(s *Status) (n int) {
	for _, r := range s.RefusesWrites {
		if r.Cause != ClockWrong {
			n++
		}
	}
	return n
}

// The causes of alarms that keep no leader from being ready.
const (
	Away         Cause = "away"         // a member does not answer
	Lag          Cause = "lag"          // a member lacks what others have had for long
	ClocksApart  Cause = "clocks"       // the clocks of two members are far apart
	ClockWrong   Cause = "clock-wrong"  // a clock lies outside of where most members place true time
	ClocksSplit  Cause = "clocks-split" // clocks contradict each other, and no majority says which is wrong
	ClockSilent  Cause = "clock-source" // who is asked how right the clock is does not answer
	Unreplicated Cause = "unreplicated" // what was acknowledged is out of reach
	DotsTwice    Cause = "conflicts"    // dots with two contents
	OriginsFew   Cause = "origins"      // there is soon no place for a new origin
	LogPinned    Cause = "log-pinned"   // a member that is away keeps the log from being removed
	Returned     Cause = "returned"     // a leader that was forgotten is there, and is not let in
	Outpaced     Cause = "outpaced"     // a member needs ops that the log does not keep any more
	NoQuorum     Cause = "no-quorum"    // no majority of the quorum's voters reach each other
	StateNeeded  Cause = "state-needed" // this leader needs ops that no log keeps any more, and fetches the state of another
)

// The thresholds; the rules of alerts.yml have the same.
const (
	maxLag   = 300 * time.Second
	maxApart = 500 * time.Millisecond

	maxLeaderless = 10 * time.Second
)

// alarmsOf is what somebody should look at: why the leader is not ready, and what it
// sees of the others that does not pass by itself.
func alarmsOf(s *Status, reasons []Reason) []Reason {
	all := slices.Clone(reasons)
	add := func(fires bool, c Cause, format string, args ...any) {
		if fires {
			all = append(all, Reason{Cause: c, Detail: fmt.Sprintf(format, args...)})
		}
	}
	for i := range s.Peers {
		p := &s.Peers[i]
		add(!p.Alive, Away, "%s is %s, and lacks %d ops that %s has; start it, or kv admin forget %s", p.Name, p.Member, p.LagOps, s.Name, p.Name)
		add(!p.Alive && p.PinnedBytes > 0, LogPinned, "%s is %s and keeps %d bytes of the log of %s from being removed; start it, or kv admin forget %s", p.Name, p.Member, p.PinnedBytes, s.Name, p.Name)
		add(p.Outpaced, Outpaced, "%s needs ops that the log of %s does not keep any more: it fetches the state of a leader when none keeps them, and its own status says how far it is", p.Name, s.Name)
		add(p.Alive && p.LagSeconds > maxLag.Seconds(), Lag, "%s lacks %d ops that %s has had for %.0f s", p.Name, p.LagOps, s.Name, p.LagSeconds)
		if o := p.Clock; o != nil {
			add(o.Apart() > maxApart.Seconds(), ClocksApart, "the clocks of %s and %s are %.3f s apart at least", s.Name, p.Name, o.Apart())
		}
	}
	for _, one := range s.Clock.Sources {
		add(s.Clock.Silent(), ClockSilent, "the clock of %s is judged by %s, which does not answer: %s", s.Name, one.Name, one.Unavailable)
	}
	if j := s.Clock.Judged; j != nil {
		addJudged(add, s.Name, j)
	}
	for _, f := range s.Forgotten {
		add(f.Present, Returned, "%s, which was forgotten, is there again and is let in when it has begun anew; kv status -n %s says what it had alone, and kv admin return %s lets it", f.Name, f.Name, f.Name)
	}
	q := &s.Quorum
	add(q.LeaderlessSeconds > maxLeaderless.Seconds(), NoQuorum, "%s has known of nobody who leads the quorum for %.0f s, so that no lock is given or renewed: a majority of %s must be there and reach each other", s.Name, q.LeaderlessSeconds, strings.Join(q.Voters, ", "))
	t := &s.Transfer
	add(t.From != "", StateNeeded, "%s needs ops that no leader keeps any more, and is joining by state: %d of %d bytes of %s are here", s.Name, t.Bytes, t.TotalBytes, t.From)
	add(t.From == "" && t.Failed != "", StateNeeded, "%s needs ops that no leader keeps any more, and could not get the state of another: %s; it tries again by itself", s.Name, t.Failed)
	add(s.UnreplicatedOps > 0, Unreplicated, "%d ops that others had are not here, and nobody who can be reached has them", s.UnreplicatedOps)
	add(s.Conflicts > 0, DotsTwice, "%d dots have two contents; kv admin conflicts names them", s.Conflicts)
	add(s.Origins.Scarce() > 0, OriginsFew, "the logs are of %d origins, and may be of %d", s.Origins.Count, s.Origins.Max)
	return all
}

// addJudged tells whose clock is wrong as this leader sees it. That its own is in quarantine
// was told among the reasons.
func addJudged(add func(bool, Cause, string, ...any), name string, j *Judged) {
	add(j.State == "split" && j.Members <= 2, ClocksSplit, "the clocks of %s and the other member contradict each other, and two members cannot say which of them is wrong", name)
	add(j.State == "split" && j.Members > 2, ClocksSplit, "of %d members' clocks no %d agree: some claim to be more right than they are, and nobody knows which", j.Members, j.Quorum)
	for i := range j.Clocks {
		c := &j.Clocks[i]
		side := "ahead of"
		if c.Outside < 0 {
			side = "behind"
		}
		add(c.Outside != 0 && !(i == 0 && j.Quarantined && j.Quarantine != "warn"), ClockWrong, "the clock of %s, which claims to be right within %.6f s, is %.6f s %s all that %d of %d members can agree on, as %s sees it",
			c.Name, c.Claims, max(c.Outside, -c.Outside), side, j.Quorum, j.Members, name)
	}
}

// Apart is how far two clocks are apart at least, in seconds; zero: they may agree.
func (o *Offset) Apart() float64 { return max(0, o.Earliest, -o.Latest) }
