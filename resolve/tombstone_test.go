package resolve_test

import (
	"testing"

	"kvd/resolve"
)

// TestADeletionIsRemembered: what follows a deletion names it, whether or not
// somebody else than the serving resolver keeps it.
func TestADeletionIsRemembered(t *testing.T) {
	for _, id := range []resolve.ID{resolve.Siblings, resolve.Counter} {
		for _, p := range []resolve.Panel{served(id), {Serving: id}} {
			s := newStory(t, p, "n1")
			s.do("n1", put("1"))
			gone := s.do("n1", remove())
			if r := p.Read(s.leaders["n1"].Object, s.leaders["n1"].History); len(r.Values) > 0 || len(r.Dots) != 1 || r.Dots[0] != gone.Dot {
				t.Errorf("%s shows %+v, expected the deletion %s", id, r, gone.Dot)
			}
			if next := s.do("n1", put("2")); len(next.Parents) != 1 || next.Parents[0] != gone.Dot || len(next.Hidden) > 0 {
				t.Errorf("%s: the next write is over %v and hides %v, expected the deletion %s", id, next.Parents, next.Hidden, gone.Dot)
			}
			if n := len(s.leaders["n1"].Object.Versions); n != 1 {
				t.Errorf("%s keeps %d versions, expected the last", id, n)
			}
		}
	}
}

// TestDeletionsByAnOldTokenStayFew: each knows nothing of the others, and what is
// kept of them has a bound.
func TestDeletionsByAnOldTokenStayFew(t *testing.T) {
	for _, id := range []resolve.ID{resolve.Siblings, resolve.Counter} {
		p := resolve.Panel{Serving: id}
		s := newStory(t, p, "n1")
		first := s.do("n1", put("1"))
		most := 0
		for range 300 {
			s.do("n1", over(remove(), first.Dot))
			most = max(most, len(s.leaders["n1"].Object.Versions))
		}
		if most > 64 {
			t.Errorf("%s keeps up to %d versions of 300 deletions", id, most)
		}
		last := s.do("n1", put("2"))
		if r := p.Read(s.leaders["n1"].Object, s.leaders["n1"].History); len(r.Dots) != 1 || r.Dots[0] != last.Dot {
			t.Errorf("%s shows %v after a write over all, expected it alone", id, r.Dots)
		}
	}
}

// TestAReaderOfAbsenceIsBesideNoDeletion: a token of an absent key says what was
// deleted, so that a write by it is concurrent to nothing.
func TestAReaderOfAbsenceIsBesideNoDeletion(t *testing.T) {
	p := served(resolve.Siblings)
	s := newStory(t, p, "n1", "n2")
	s.do("n1", put("1"))
	s.ship("n1", "n2")
	s.do("n2", remove())
	s.ship("n2", "n1")
	shown := p.Read(s.leaders["n1"].Object, s.leaders["n1"].History).Dots
	s.do("n1", over(put("2"), shown...))
	for _, id := range resolve.IDs() {
		if lost := s.leaders["n1"].History.Losses(id); len(lost) > 0 {
			t.Errorf("%s loses %v", id, lost)
		}
	}
}
