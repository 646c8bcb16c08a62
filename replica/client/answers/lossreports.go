package answers

// maxReported is how many losses are remembered, so that each is news once;
// beyond it the oldest are forgotten, and might be news again.
const maxReported = 100_000

// LossReports is what every leader has said of each loss. A leader may say that a
// write is lost, that it is not after all, and later that it is again: what
// is news is the nth time that the first leader says so, and not the others' nth.
type LossReports struct {
	all   map[Position]*reports
	order []Position // the oldest first
}

// reports is what all leaders have said of one loss.
type reports struct {
	by            map[string]*claims // by leader
	told, toldNot int                // times it was news
}

// claims is one leader's.
type claims struct {
	now       lossStatus
	lost, not int // times
}

type lossStatus uint8

const (
	unheard lossStatus = iota
	isLost
	isNot
)

// NewLossReports knows of no loss yet.
func NewLossReports() *LossReports { return &LossReports{all: map[Position]*reports{}} }

// Lost notes that a leader says so; true if it is news.
func (s *LossReports) Lost(leader string, at Position) bool {
	one, t := s.of(leader, at)
	if t.now == isLost {
		return false
	}
	t.now = isLost
	t.lost++
	fresh := t.lost > one.told
	one.told = max(one.told, t.lost)
	return fresh
}

// Retracted notes that a leader says so; true if it is news.
func (s *LossReports) Retracted(leader string, at Position) bool {
	one, t := s.of(leader, at)
	if t.now == isNot {
		return false
	}
	t.now = isNot
	t.not++
	fresh := t.not > one.toldNot
	one.toldNot = max(one.toldNot, t.not)
	return fresh
}

// of finds or makes what is known, and forgets the oldest beyond the bound.
func (s *LossReports) of(leader string, at Position) (*reports, *claims) {
	one := s.all[at]
	if one == nil {
		one = &reports{by: map[string]*claims{}}
		s.all[at] = one
		if s.order = append(s.order, at); len(s.order) > maxReported {
			delete(s.all, s.order[0])
			s.order = s.order[1:]
		}
	}
	t := one.by[leader]
	if t == nil {
		t = &claims{}
		one.by[leader] = t
	}
	return one, t
}
