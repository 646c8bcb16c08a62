package oracle_test

import (
	"slices"
	"testing"

	"kvd/logical"
	"kvd/scenarios/oracle"
)

func row(dot logical.Dot, class string) oracle.LedgerRow {
	return oracle.LedgerRow{Key: "x", Dot: dot, Class: class}
}

func wantDifferences(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("differences\n%q, expected\n%q", got, want)
	}
}

func TestLedgersAgree(t *testing.T) {
	s := threeWay()
	s.unheard(write{label: "e", client: "C", leader: "n3", dot: d(3, 2)})
	s.applied(d(3, 2), "n1", "n2")
	s.final(shows("b", d(2, 1)))
	v := judge(s.h, "lww")
	right := []oracle.LedgerRow{row(d(3, 1), "concurrent"), row(d(1, 2), "concurrent"), row(d(3, 2), "concurrent")}
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": right, "n2": right, "n3": right[:2]}))
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{
		"n2": {row(d(1, 2), "inverted"), row(d(2, 1), "concurrent"), row(d(7, 7), "concurrent")},
		"n1": nil,
	}),
		"n1: the oracle finds a (0000000000000001-2) concurrent; the ledger does not hold it",
		"n1: the oracle finds c (0000000000000003-1) concurrent; the ledger does not hold it",
		"n2: the ledger holds a (0000000000000001-2) as inverted; the oracle finds it concurrent",
		"n2: the ledger holds b (0000000000000002-1) as concurrent; the oracle finds it accounted",
		"n2: the ledger holds 0000000000000007-7 of x as concurrent; no write of that key was accepted under that dot",
		"n2: the oracle finds a (0000000000000001-2) concurrent; the ledger holds it only as inverted",
		"n2: the oracle finds c (0000000000000003-1) concurrent; the ledger does not hold it")
}

func TestInvertedMustBeInTheLedgerAsInverted(t *testing.T) {
	s := figure(shows("1", d(1, 1)))
	s.final(shows("1", d(1, 1)))
	v := judge(s.h, "lww")
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(3, 1), "inverted")}}))
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(3, 1), "concurrent")}}),
		"n1: the ledger holds w2 (0000000000000003-1) as concurrent; the oracle finds it inverted",
		"n1: the oracle finds w2 (0000000000000003-1) inverted; the ledger holds it only as concurrent")
}

func TestNoLedgerKnowsOfWhatIsMissing(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	s.applied(d(2, 1), "n1", "n3")
	s.final(shows("b", d(2, 1)))
	v := judge(s.h, "lww")
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": nil, "n2": nil, "n3": nil}))
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 1), "concurrent")}}),
		"n1: the ledger holds a (0000000000000001-1) as concurrent; the oracle finds it durability")
}

// TestMissingIsNotDemandedOfLedgers: beaten on acceptance on a disk that is gone.
// TestWhatIsNotGuessedIsHeldAgainstLedgers: where clocks decide before causality does,
// too, the class of what others beat is known.
func TestWhatIsNotGuessedIsHeldAgainstLedgers(t *testing.T) {
	s := tell()
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "b", client: "B", leader: "n2", dot: d(2, 1)})
	s.final(shows("b", d(2, 1)))
	wantDifferences(t, judge(s.h, "interval").Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 1), "inverted")}}),
		"n1: the ledger holds a (0000000000000001-1) as inverted; the oracle finds it concurrent",
		"n1: the oracle finds a (0000000000000001-1) concurrent; the ledger holds it only as inverted")
}

func TestMissingIsNotDemandedOfLedgers(t *testing.T) {
	s := tell()
	old := shows("a", d(1, 1))
	s.writes(write{label: "a", client: "A", leader: "n1", dot: d(1, 1)})
	s.applied(d(1, 1), "n2")
	s.writes(write{label: "b", client: "B", leader: "n1", dot: d(1, 2), over: dots(d(1, 1)), after: &old})
	s.final(old, "n1", "n2")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Inverted: 1})
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n2": nil}))
}

// TestDuplicatesAreInTheLedgerUnderEveryDot, each with the class of its own acceptance.
func TestDuplicatesAreInTheLedgerUnderEveryDot(t *testing.T) {
	s := tell()
	old := shows("p", d(1, 1))
	s.writes(write{label: "p", client: "P", leader: "n1", dot: d(1, 1)})
	s.unheard(write{label: "u", client: "A", leader: "n1", dot: d(1, 2), over: dots(d(1, 1)), after: &old})
	s.unheard(write{label: "u", client: "A", leader: "n3", dot: d(3, 1), after: &old})
	s.writes(write{label: "u", client: "A", leader: "n2", dot: d(2, 1)})
	s.writes(write{label: "s", client: "S", leader: "n1", dot: d(1, 3), over: dots(d(1, 1))})
	s.final(shows("s", d(1, 3)), "n1")
	v := s.wantStats(t, "lww", oracle.Stats{Acked: 3, Accounted: 2, Lost: 1, Concurrent: 1})
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 2), "inverted"), row(d(2, 1), "concurrent"), row(d(3, 1), "concurrent")}}))
	wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 2), "inverted"), row(d(2, 1), "inverted"), row(d(3, 1), "inverted")}}),
		"n1: the ledger holds u (0000000000000002-1) as inverted; the oracle finds it concurrent",
		"n1: the ledger holds u (0000000000000003-1) as inverted; the oracle finds it concurrent",
		"n1: the oracle finds u (0000000000000001-2) concurrent; the ledger holds it only as inverted")
}

// A write is beaten by another dot of the request that it was written over: its
// author had been shown the request, and not that dot. Both names for it are right.
func TestBeatenByARetryOfWhatItWasBasedOn(t *testing.T) {
	s := tell()
	s.unheard(write{label: "u", client: "A", leader: "n1", dot: d(1, 1)})
	s.writes(write{label: "u", client: "A", leader: "n2", dot: d(2, 1)})
	old := shows("u", d(2, 1))
	s.writes(write{label: "b", client: "B", leader: "n1", dot: d(1, 2), over: dots(d(1, 1)), after: &old})
	s.final(old, "n1")
	v := s.wantStats(t, "causal", oracle.Stats{Acked: 2, Accounted: 1, Lost: 1, Concurrent: 1})
	for _, class := range []string{"inverted", "concurrent"} {
		wantDifferences(t, v.Agree(map[string][]oracle.LedgerRow{"n1": {row(d(1, 2), class)}}))
	}
}
