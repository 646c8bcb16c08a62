package main

// maxSightings is how many losses are remembered, so that each is printed once;
// beyond it the oldest are forgotten, and might be printed again.
const maxSightings = 100_000

// sightings is what every leader has said of each loss. A leader may say that a
// write is lost, that it is not after all, and later that it is again: what is
// printed is the nth time that the first leader says so, and not the others' nth.
type sightings struct {
	all   map[place]*sighted
	order []place // the oldest first
}

type sighted struct {
	by                     map[string]*turns // by leader
	printedLost, printedNo int
}

// turns is one leader's.
type turns struct {
	now       standingLoss
	lost, not int // times
}

type standingLoss uint8

const (
	unheard standingLoss = iota
	isLost
	isNot
)

func newSightings() *sightings { return &sightings{all: map[place]*sighted{}} }

// lost notes that a leader says so; true if it is to be printed.
func (s *sightings) lost(leader string, at place) bool {
	one, t := s.of(leader, at)
	if t.now == isLost {
		return false
	}
	t.now = isLost
	t.lost++
	fresh := t.lost > one.printedLost
	one.printedLost = max(one.printedLost, t.lost)
	return fresh
}

// retracted notes that a leader says so; true if it is to be printed.
func (s *sightings) retracted(leader string, at place) bool {
	one, t := s.of(leader, at)
	if t.now == isNot {
		return false
	}
	t.now = isNot
	t.not++
	fresh := t.not > one.printedNo
	one.printedNo = max(one.printedNo, t.not)
	return fresh
}

// of finds or makes what is known, and forgets the oldest beyond the bound.
func (s *sightings) of(leader string, at place) (*sighted, *turns) {
	one := s.all[at]
	if one == nil {
		one = &sighted{by: map[string]*turns{}}
		s.all[at] = one
		if s.order = append(s.order, at); len(s.order) > maxSightings {
			delete(s.all, s.order[0])
			s.order = s.order[1:]
		}
	}
	t := one.by[leader]
	if t == nil {
		t = &turns{}
		one.by[leader] = t
	}
	return one, t
}
