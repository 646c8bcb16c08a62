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
		say    func(string, Position) bool
		leader string
		news   bool
	}{
		{r.Lost, "n1", true}, {r.Lost, "n2", false}, {r.Lost, "n1", false},
		{r.Retracted, "n2", true}, {r.Retracted, "n1", false},
		{r.Lost, "n1", true}, {r.Lost, "n2", false}, {r.Lost, "n3", false},
	} {
		if got := step.say(step.leader, at); got != step.news {
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
