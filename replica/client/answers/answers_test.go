package answers

import (
	"testing"

	"kvd/logical"
	"kvd/resolve"
)

// A loss is news when the first leader says it, and again when the first says so after it
// was retracted; what the others say is known by then.
func TestALossIsNewsOnce(t *testing.T) {
	at := Position{"k", logical.Dot{Origin: 1, Seq: 1}, resolve.LWW}
	r := NewLossReports()
	for i, step := range []struct {
		claim  Claim
		leader string
		news   bool
	}{
		{ClaimLost, "n1", true}, {ClaimLost, "n2", false}, {ClaimLost, "n1", false},
		{ClaimRetracted, "n2", true}, {ClaimRetracted, "n1", false},
		{ClaimLost, "n1", true}, {ClaimLost, "n2", false}, {ClaimLost, "n3", false},
	} {
		if got := r.Note(step.leader, step.claim, at); got != step.news {
			t.Errorf("step %d, %s: news %t, want %t", i+1, step.leader, got, step.news)
		}
	}
}

// Of leaders that have more than they were asked for, only what all were asked about is
// taken: the rest would seem to differ.
func TestOnlyWhatAllWereAskedAboutIsMerged(t *testing.T) {
	row := func(key string) Row {
		return Row{Loss: resolve.Loss{Key: key, Loser: logical.Dot{Origin: 1, Seq: 1}, Resolver: resolve.LWW}}
	}
	said := []Listing{
		{Rows: []Row{row("a"), row("b")}, more: true},
		{Rows: []Row{row("a"), row("b"), row("c")}},
	}
	said[0].Name, said[1].Name = "n1", "n2"
	list := MergeLosses(said, nil, LossQuery{})
	if len(list.Losses) != 2 || !list.More || len(list.Differs) != 0 || len(list.Losses[1].By) != 2 {
		t.Errorf("%+v", list)
	}
	said[0].more = false
	list = MergeLosses(said, nil, LossQuery{})
	if len(list.Losses) != 3 || list.More || len(list.Differs) != 1 {
		t.Errorf("%+v", list)
	}
}
