package oracle

import "slices"

// Among is the judgement of some keys alone: their losses, their updates and what
// sessions were promised of them. It shares memory with v.
func (v *Judgement) Among(in func(key string) bool) *Judgement {
	out := *v
	out.Stats, out.Siblings, out.Converged = Stats{}, 0, true
	out.Keys = slices.DeleteFunc(slices.Clone(v.Keys), func(t KeyStats) bool { return !in(t.Key) })
	for _, t := range out.Keys {
		out.Sum(t.Stats)
		out.Siblings, out.Converged = max(out.Siblings, t.Siblings), out.Converged && t.Converged
	}
	out.Losses = slices.DeleteFunc(slices.Clone(v.Losses), func(l Loss) bool { return !in(l.Key) })
	out.Violations = slices.DeleteFunc(slices.Clone(v.Violations), func(x Violation) bool { return !in(x.Key) })
	if v.Session == SessionBroken && !slices.ContainsFunc(out.Violations, func(x Violation) bool { return x.Session }) {
		out.Session = SessionKept
	}
	return &out
}
