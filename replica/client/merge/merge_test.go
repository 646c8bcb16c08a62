package merge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/resolve"
)

func lostRow(id resolve.ID, dot logical.Dot, r resolve.Relation, winner logical.Dot) ledger.LossRecord {
	return ledger.LossRecord{Loss: resolve.Loss{Resolver: id, Key: "x", Loser: dot, Relation: r, Winner: winner}}
}

// TestMergeNamesDifferences between leaders that have applied the same, and
// nothing else.
func TestMergeNamesDifferences(t *testing.T) {
	d1, d2, d3 := logical.Dot{Origin: 1, Seq: 1}, logical.Dot{Origin: 1, Seq: 2}, logical.Dot{Origin: 2, Seq: 1}
	full := logical.FrontierOf(d2, d3)
	row := lostRow(resolve.LWW, d1, resolve.Concurrent, d3)
	answers := []Answer{
		{Leader: "n4", Failed: "no answer within 1s"},
		{Leader: "n3", Applied: logical.FrontierOf(d1), Rows: nil},
		{Leader: "n2", Applied: full, Rows: []ledger.LossRecord{lostRow(resolve.LWW, d1, resolve.Inverted, d3), lostRow(resolve.HLC, d1, resolve.Concurrent, d2)}},
		{Leader: "n1", Applied: full, Rows: []ledger.LossRecord{row, lostRow(resolve.HLC, d1, resolve.Concurrent, d3), lostRow(resolve.Causal, d2, resolve.Concurrent, d3)}},
		{Leader: "n5", Applied: full, Evicted: 1},
	}
	m := Losses(answers)
	var said []string
	for i := range m.Differences {
		said = append(said, m.Differences[i].Text())
	}
	want := []string{
		d1.String() + " of x under lww: n2 says inverted, n1 concurrent",
		d1.String() + " of x under hlc: n2 names " + d2.String() + " as the winner, n1 " + d3.String(),
		d2.String() + " of x under causal: n2 does not hold it, and has applied the same as n1",
	}
	if !slices.Equal(said, want) {
		t.Errorf("differences\n%q\nwant\n%q", said, want)
	}
	if len(m.Rows) != 3 || len(m.Rows[0].By) != 2 || m.Rows[0].By[0].Leader != "n1" || !slices.Equal(m.Missing, []string{"n4: no answer within 1s"}) {
		t.Errorf("rows %+v, missing %v", m.Rows, m.Missing)
	}
	slices.Reverse(answers)
	if again := Losses(answers); fmt.Sprint(again.Rows, again.Differences) != fmt.Sprint(m.Rows, m.Differences) {
		t.Error("the order of answers shows")
	}
	if Losses(answers[:1]).Differences != nil {
		t.Error("one leader disagrees with itself")
	}
}

func TestMergedAuditsAreCompared(t *testing.T) {
	f := logical.FrontierOf(logical.Dot{Origin: 1, Seq: 1})
	one := ledger.Audit{Leader: "n1", Applied: f, Balances: []ledger.Balance{{Resolver: resolve.LWW, Accepted: 2, Live: 1, Superseded: 1}}}
	same, other, behind := one, one, one
	same.Leader, other.Leader, behind.Leader = "n2", "n3", "n4"
	other.Balances = []ledger.Balance{{Resolver: resolve.LWW, Accepted: 2, Live: 1, Concurrent: 1}}
	behind.Applied = logical.Frontier{}
	if got := Audits([]ledger.Audit{one, same}); got != nil {
		t.Errorf("equal audits differ: %v", got)
	}
	want := "lww: n1 counts accepted 2, live 1, superseded 1, lost 0; n3 accepted 2, live 1, superseded 0, lost 1"
	if got := Audits([]ledger.Audit{one, other}); !slices.Equal(got, []string{want}) {
		t.Errorf("%q", got)
	}
	evicted := other
	evicted.Leader, evicted.Balances = "n5", []ledger.Balance{{Resolver: resolve.LWW, Accepted: 2, Live: 1, Evicted: 1}}
	if got := Audits([]ledger.Audit{other, evicted}); got != nil {
		t.Errorf("a ledger that has evicted differs: %v", got)
	}
	if got := Audits([]ledger.Audit{one, evicted}); len(got) != 1 {
		t.Errorf("what was evicted is not counted as lost: %q", got)
	}
	none := one
	none.Leader, none.Balances = "n6", nil
	if got := Audits([]ledger.Audit{one, none}); len(got) != 1 || !strings.Contains(got[0], "the same resolvers") {
		t.Errorf("%q", got)
	}
	if got := Audits([]ledger.Audit{one, behind}); len(got) != 1 || !strings.Contains(got[0], "have not applied the same") {
		t.Errorf("%q", got)
	}
}
