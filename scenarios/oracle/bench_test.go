package oracle_test

import (
	"fmt"
	"testing"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
)

// chain is n updates of one key, each over the one before, acknowledged to one of
// five session clients and applied at three leaders.
func chain(n int) *story {
	s := tell()
	var over []logical.Dot
	for i := range n {
		leader := fmt.Sprintf("n%d", i%3+1)
		w := incr(fmt.Sprint(i), leader, 1, d(uint64(i%3+1), uint64(i+1)), over...)
		w.client, w.session = fmt.Sprint("C", i%5), true
		s.writes(w)
		s.applied(w.dot, "n1", "n2", "n3")
		over = dots(w.dot)
	}
	s.final(shows(fmt.Sprint(n), over...))
	return s
}

// poisoned is n updates, each beaten on acceptance by the first write of the key.
func poisoned(n int) *story {
	s := tell()
	first := shows("poison", d(9, 1))
	s.writes(write{label: "poison", client: "P", leader: "n1", dot: d(9, 1)})
	for i := range n {
		s.writes(write{label: fmt.Sprint(i), client: "A", session: true, leader: "n1", dot: d(1, uint64(i+1)), over: dots(d(9, 1)), after: &first})
	}
	s.final(first)
	return s
}

// contended is n updates by five clients, of which most lose to others unseen.
func contended(n int) *story {
	s := tell()
	top := d(1, 1)
	for i := range n {
		dot := d(uint64(i%5+1), uint64(i+1))
		w := write{label: fmt.Sprint(i), client: fmt.Sprint("C", i%5), session: true, leader: "n1", dot: dot}
		if i > 0 {
			w.over = dots(top)
		}
		s.writes(w)
		if i%4 == 0 {
			top = dot
		}
	}
	s.final(shows("top", top))
	return s
}

const many = 200_000

func TestDeepHistoriesAreJudgedWhole(t *testing.T) {
	const n = 20_000
	for _, resolver := range []string{"lww", "counter"} {
		v := chain(n).wantStats(t, resolver, oracle.Stats{Acked: n, Accounted: n})
		wantViolations(t, v)
		wantNoContradictions(t, v)
	}
	v := poisoned(n).wantStats(t, "lww", oracle.Stats{Acked: n + 1, Accounted: 1, Lost: n, Inverted: n})
	if len(v.Violations) != n {
		t.Errorf("%d violations, expected one for every acknowledgement", len(v.Violations))
	}
}

func benchmark(b *testing.B, s *story, resolver string) {
	for b.Loop() {
		if v := judge(s.h, resolver); v.Acked < many {
			b.Fatalf("acked %d", v.Acked)
		}
	}
}

func BenchmarkChain(b *testing.B)     { benchmark(b, chain(many), "lww") }
func BenchmarkCounter(b *testing.B)   { benchmark(b, chain(many), "counter") }
func BenchmarkPoisoned(b *testing.B)  { benchmark(b, poisoned(many), "lww") }
func BenchmarkContended(b *testing.B) { benchmark(b, contended(many), "lww") }
func BenchmarkSiblings(b *testing.B)  { benchmark(b, contended(many), "siblings") }

func BenchmarkFeed(b *testing.B) {
	for b.Loop() {
		chain(many)
	}
}

// BenchmarkDeletes is writes and deletes in turns, after which nothing is shown.
func BenchmarkDeletes(b *testing.B) {
	s := tell()
	for i := range uint64(many / 2) {
		set := write{label: fmt.Sprint("s", i), client: "A", session: true, leader: "n1", dot: d(1, 2*i+1)}
		gone := write{label: fmt.Sprint("d", i), client: "A", session: true, leader: "n1", verb: script.OpDelete, dot: d(1, 2*i+2), over: dots(set.dot), after: &history.Reading{}}
		s.writes(set)
		s.writes(gone)
		s.reads("A", "n1", shows(""))
	}
	s.final(shows(""))
	benchmark(b, s, "siblings")
}

// BenchmarkKeys is many counters, most with a delete.
func BenchmarkKeys(b *testing.B) {
	s := tell()
	for i := range uint64(many / 2) {
		w := incr(fmt.Sprint("s", i), "n1", 1, d(1, 2*i+1))
		w.key = fmt.Sprint("k", i)
		gone := del(fmt.Sprint("d", i), "n1", d(1, 2*i+2), w.dot)
		gone.key = w.key
		s.writes(w)
		s.writes(gone)
		s.h.Final("n1", w.key, shows(""))
	}
	benchmark(b, s, "counter")
}
