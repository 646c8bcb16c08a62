// Package member says which leaders exist, where they are, and whether they seem
// alive, by way of serf.
//
// It is not a transport: it never carries data, and it decides nothing about
// data. A leader that is called failed here may be well and merely out of reach;
// what it has applied is only ever learned from itself.
//
//	Start ─▶ bind ─▶ serf ─▶ join (in the background, again and again)
//	                  │
//	                  └─ events, and a poll now and then ─▶ View ─▶ callback
//
// Invariants:
//
//   - leaders of another cluster, protocol or policy never enter a [View]: each
//     side refuses the other and names the difference ([Refused]). A policy that was changed
//     while leaders ran is no such difference: the links deal with it;
//   - a newcomer with the name of a live leader refuses itself; the one that was
//     there stays;
//   - a View is never changed once it was handed out, and a slow callback delays
//     nobody but itself: it is given the newest View next, not every one;
//   - failed members are not forgotten by age alone, only by [Members.Forget].
package member
