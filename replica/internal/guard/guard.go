// Package guard is what keeps a request from being done at the last moment: a request of the same
// call before it, or a lock that is over by then.
package guard

// Guard is asked when a write is decided. Nil forbids nothing.
type Guard struct {
	// Broken is set by a request of the same call before; whoever has the guard is not done.
	Broken bool
	// Lapsed says why a write is not to be done any more, because the lease that it was asked under may
	// have ended. It is asked at the moment of the decision, since the leader may have stood still before;
	// of a write that was done already, and is asked for again, it is not asked. Nil: nothing
	// lapses.
	Lapsed func() error
}

// Over is why a write is not done any more; nil: it is.
func (g *Guard) Over() error {
	if g == nil || g.Lapsed == nil {
		return nil
	}
	return g.Lapsed()
}
