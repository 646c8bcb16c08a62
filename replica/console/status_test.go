package console

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// An alarm is told for each thing that does not pass by itself, and none where all is well.
func TestAlarms(t *testing.T) {
	well := Status{Name: "n1", Peers: []Peer{{Name: "n2", Alive: true, Member: "alive", LagOps: 5, LagSeconds: 299, Clock: &Offset{Earliest: -0.4, Latest: 0.4}}}}
	for _, c := range []struct {
		change  func(*Status)
		reasons []Reason
		want    Cause
		says    string
	}{
		{func(*Status) {}, nil, "", ""},
		{func(*Status) {}, []Reason{{Cause: Disk, Detail: "it failed"}}, Disk, "it failed"},
		{func(s *Status) { s.Peers[0].Alive, s.Peers[0].Member = false, "absent" }, nil, Away, "n2 is absent, and lacks 5 ops that n1 has"},
		{func(s *Status) { s.Peers[0].LagSeconds = 301 }, nil, Lag, "for 301 s"},
		{func(s *Status) { s.Peers[0].PinnedBytes = 7 }, nil, "", ""}, // it is about to have it
		{func(s *Status) { s.Peers[0].Outpaced = true }, nil, Outpaced, "n2 needs ops that the log of n1 does not keep"},
		{func(s *Status) { s.Peers[0].Clock = &Offset{Earliest: -2, Latest: -0.6} }, nil, ClocksApart, "0.600 s apart"},
		{func(s *Status) { s.Peers[0].Clock = &Offset{Earliest: 0.7, Latest: 2} }, nil, ClocksApart, "0.700 s apart"},
		{func(s *Status) { s.UnreplicatedOps = 3 }, nil, Unreplicated, "3 ops"},
		{func(s *Status) { s.Quorum = Quorum{Voters: []string{"n1", "n2"}, LeaderlessSeconds: 9} }, nil, "", ""}, // they vote
		{func(s *Status) { s.Quorum = Quorum{Voters: []string{"n1", "n2"}, LeaderlessSeconds: 11} }, nil, NoQuorum, "a majority of n1, n2 must be there"},
		{func(s *Status) { s.Conflicts = 2 }, nil, DotsTwice, "kv admin conflicts"},
		{func(s *Status) { s.Origins = Origins{Count: 8, Max: 8} }, nil, OriginsFew, "8 origins"},
	} {
		s := well
		s.Peers = slices.Clone(well.Peers)
		c.change(&s)
		got := alarmsOf(&s, c.reasons)
		switch {
		case c.want == "" && len(got) == 0:
		case len(got) != 1 || got[0].Cause != c.want || !strings.Contains(got[0].Detail, c.says):
			t.Errorf("want %s %q, got %+v", c.want, c.says, got)
		}
	}
}

// A member that is away and keeps the log is told as both.
func TestWhoIsAwayAndPinsTheLog(t *testing.T) {
	s := Status{Name: "n1", Peers: []Peer{{Name: "n2", Member: "failed", PinnedBytes: 7}}}
	if got := alarmsOf(&s, nil); len(got) != 2 || got[0].Cause != Away || got[1].Cause != LogPinned || !strings.Contains(got[1].Detail, "n2 is failed and keeps 7 bytes of the log of n1") {
		t.Errorf("got %+v", got)
	}
}

// The state is what clients are given; whoever sees the status without being known is
// shown no key.
func TestStates(t *testing.T) {
	for _, c := range []struct {
		reasons []Reason
		refuses []Reason
		want    State
	}{
		{nil, nil, StateServing},
		{[]Reason{{Cause: Joining}}, nil, StateServing},
		{[]Reason{{Cause: "shared-origin"}}, []Reason{{Cause: "shared-origin"}}, StateReadOnly},
		{[]Reason{{Cause: CatchingUp}}, []Reason{{Cause: "disk"}}, StateLoading},
		{[]Reason{{Cause: Folding}, {Cause: Draining}}, nil, StateDraining},
	} {
		src := &leader{reasons: c.reasons, status: Status{RefusesWrites: c.refuses, Peers: []Peer{{Name: "n2", Unsendable: &Unsendable{Key: "secret", Dot: "d"}}}}}
		text, err := StatusJSON(src)
		var said struct {
			State State
			Ready bool
		}
		if err == nil {
			err = json.Unmarshal(text, &said)
		}
		if err != nil || said.State != c.want || said.Ready != (len(c.reasons) == 0) || strings.Contains(string(text), "secret") {
			t.Errorf("%v: %s, %v", c.reasons, text, err)
		}
	}
}
