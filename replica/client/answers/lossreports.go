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

// Claim is what a leader says of a loss. Zero: nothing.
type Claim uint8

// The claims: a write is lost, or it is not after all.
const (
	ClaimLost Claim = 1 + iota
	ClaimRetracted
	claims
)

// reports is what all leaders have said of one loss.
type reports struct {
	by   map[string]*heard
	news [claims]int // how often each claim was news
}

// heard is what one leader has said.
type heard struct {
	last  Claim
	times [claims]int // how often it made each
}

// NewLossReports knows of no loss yet.
func NewLossReports() *LossReports { return &LossReports{all: map[Position]*reports{}} }

// Note notes what a leader says; true if it is news. It forgets the oldest losses beyond
// the bound.
func (s *LossReports) Note(leader string, c Claim, at Position) bool {
	one := s.all[at]
	if one == nil {
		one = &reports{by: map[string]*heard{}}
		s.all[at] = one
		if s.order = append(s.order, at); len(s.order) > maxReported {
			delete(s.all, s.order[0])
			s.order = s.order[1:]
		}
	}
	t := one.by[leader]
	if t == nil {
		t = &heard{}
		one.by[leader] = t
	}
	if t.last == c {
		return false
	}
	t.last = c
	t.times[c]++
	fresh := t.times[c] > one.news[c]
	one.news[c] = max(one.news[c], t.times[c])
	return fresh
}
