// Package policies is which policy a leader serves under, and how another one comes to all
// leaders while they run.
//
//	KVD.POLICYSET ─▶ try: everybody reads its keys ─▶ hold: nobody takes writes, all have the same ops
//	                   ─▶ try again ─▶ adopt: everybody writes it down ─▶ everybody begins again under it
//	                 any no, or silence: all go on as it was
//
//	a link is refused, since policies differ ─▶ tell ─▶ the greater of the two? ─▶ try, hold, try, adopt
//
// A policy has a number. Zero is what a leader's own settings say. Each change gets the number after
// the greatest that any leader has, and the greater of two policies counts, by number and then by
// text. So a leader that was away, or starts with settings of long ago, goes over to what was set
// since, and two changes at once, on two sides of a cut, end in one of them.
//
// What is written down is beside the store, in policy.json, and counts more than settings. A
// leader begins again for it, in the same process: the start folds the objects, as it does for
// other settings (package folding).
//
// What it is not: it folds nothing, knows no store, and judges no key.
//
// Invariants:
//
//   - nobody adopts a policy that its own keys speak against, and no change begins that one of
//     those who take part refuses;
//   - between the last look at the keys and the end of the incarnation that looked no write is
//     taken;
//   - whoever held its writes back for a change that does not come takes them again: when the
//     connection to who wanted it ends;
//   - a leader takes part in one change at a time. Leaders are asked in the order of their names,
//     so that of two changes one goes on.
package policies
