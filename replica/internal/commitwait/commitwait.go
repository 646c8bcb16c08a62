// Package commitwait says when a write may be acknowledged whose prefix asks for commit-wait:
// once its stamp is surely past.
//
// A write is stamped with an interval that true time lies in. When true time has surely
// passed all of it, whoever stamps a later write, at whichever leader, reads a clock whose
// interval ends after that one. So no acknowledged write that began after another's
// acknowledgement lies before it, as long as clocks claim what is true (Corbett et al. 2012,
// "External consistency"; DDIA chapter 8). The two stamps may still overlap, where the later
// clock knows less or is behind: then both values stay, unless the later author had seen the
// other.
//
// It holds nothing back: whoever answers clients does.
package commitwait

import (
	"kvd/resolve"
	"kvd/wallclock"
)

// Until is when the op's stamp is surely past, by the stopwatch of m; zero: its prefix does
// not ask. The stamp is what resolvers judge by: one that was lifted is waited for as well.
func Until(p *resolve.Policy, op *resolve.Op, m wallclock.Moment) wallclock.Mono {
	if !p.Rule(op.Key).CommitWait {
		return 0
	}
	stamp, _, _ := op.Stamps()
	return m.Past(stamp)
}
