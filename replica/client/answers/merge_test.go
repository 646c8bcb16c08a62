package answers

import (
	"slices"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/ledger"
	"kvd/resolve"
)

func lostRow(id resolve.ID, dot logical.Dot, r resolve.Relation, winner logical.Dot) Row {
	return Row{Loss: resolve.Loss{Resolver: id, Key: "x", Loser: dot, Relation: r, Winner: winner}}
}

func listing(name string, applied logical.Frontier, rows ...Row) Listing {
	return Listing{Responder: client.Responder{Name: name, Applied: applied}, Rows: rows}
}

// TestMergeNamesDifferences between leaders that have applied the same, and
// nothing else.
func TestMergeNamesDifferences(t *testing.T) {
	d1, d2, d3 := logical.Dot{Origin: 1, Seq: 1}, logical.Dot{Origin: 1, Seq: 2}, logical.Dot{Origin: 2, Seq: 1}
	full := logical.FrontierOf(d2, d3)
	evicted := listing("n5", full)
	evicted.Evicted = 1
	moved := listing("n6", full)
	moved.moved = true
	said := []Listing{
		moved,
		listing("n3", logical.FrontierOf(d1)),
		listing("n2", full, lostRow(resolve.LWW, d1, resolve.Inverted, d3), lostRow(resolve.HLC, d1, resolve.Concurrent, d2)),
		listing("n1", full, lostRow(resolve.LWW, d1, resolve.Concurrent, d3), lostRow(resolve.HLC, d1, resolve.Concurrent, d3), lostRow(resolve.Causal, d2, resolve.Concurrent, d3)),
		evicted,
	}
	m := MergeLosses(said, nil, LossQuery{})
	want := []string{
		d1.String() + " of x under lww: n2 says inverted, n1 concurrent",
		d1.String() + " of x under hlc: n2 names " + d2.String() + " as the winner, n1 " + d3.String(),
		d2.String() + " of x under causal: n2 does not hold it, and has applied the same as n1",
	}
	if !slices.Equal(m.Differs, want) {
		t.Errorf("differences\n%q\nwant\n%q", m.Differs, want)
	}
	if len(m.Losses) != 3 || !slices.Equal(m.Losses[0].Leaders(), []string{"n1", "n2"}) {
		t.Errorf("rows %+v", m.Losses)
	}
	slices.Reverse(said)
	if again := MergeLosses(said, nil, LossQuery{}); len(again.Losses) != 3 || again.Losses[0].By[0].Leader != "n1" || !slices.Equal(again.Differs, want) {
		t.Errorf("the order of answers shows: %+v", again)
	}
	if got := MergeLosses(said[1:2], nil, LossQuery{}); got.Differs != nil {
		t.Error("one leader disagrees with itself")
	}
	if got := MergeLosses(said, nil, LossQuery{Since: 1}); !slices.Equal(got.Differs, want[:2]) {
		t.Errorf("each leaves out by its own clock what another has: %q", got.Differs)
	}
}

func TestMergedAuditsAreCompared(t *testing.T) {
	f := logical.FrontierOf(logical.Dot{Origin: 1, Seq: 1})
	one := ledger.Audit{Leader: "n1", Applied: f, Balances: []ledger.Balance{{Resolver: resolve.LWW, Accepted: 2, Live: 1, Superseded: 1}}}
	same, other := one, one
	same.Leader, other.Leader = "n2", "n3"
	other.Balances = []ledger.Balance{{Resolver: resolve.LWW, Accepted: 2, Live: 1, Concurrent: 1}}
	if got := AuditsApart(&one, &same); got != nil {
		t.Errorf("equal audits differ: %v", got)
	}
	want := "lww: n1 counts accepted 2, live 1, superseded 1, lost 0; n3 accepted 2, live 1, superseded 0, lost 1"
	if got := AuditsApart(&one, &other); !slices.Equal(got, []string{want}) {
		t.Errorf("%q", got)
	}
	evicted := other
	evicted.Leader, evicted.Balances = "n5", []ledger.Balance{{Resolver: resolve.LWW, Accepted: 2, Live: 1, Evicted: 1}}
	if got := AuditsApart(&other, &evicted); got != nil {
		t.Errorf("a ledger that has evicted differs: %v", got)
	}
	if got := AuditsApart(&one, &evicted); len(got) != 1 {
		t.Errorf("what was evicted is not counted as lost: %q", got)
	}
	none := one
	none.Leader, none.Balances = "n6", nil
	if got := AuditsApart(&one, &none); len(got) != 1 || !strings.Contains(got[0], "the same resolvers") {
		t.Errorf("%q", got)
	}
}
