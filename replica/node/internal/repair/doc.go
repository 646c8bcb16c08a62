// Package repair compares what this leader holds with what another holds, while both go
// on, and mends what is damaged here.
//
//	cut of a range ─▶ items ─▶ symbols ◀══ other leader's symbols      how the two differ
//	        keys that differ ─▶ rows ◀══ other leader's objects, ops   what it has of them
//	               in flight? explained : joined ─▶ ours was wrong? mended : told
//
// A round goes over the keys range by range. Of each range this leader takes a cut, with its
// frontier F, and names the range to the other, which answers from a cut whose frontier
// covers F. An item is a keyed hash of a key and its object; what differs is found by
// package riblt in some tens of bytes a difference, however many keys there are.
//
// # Explained differences
//
// Under load two leaders differ, because ops are under way. The other's cut covers ours, so
// a key's ops are the same in both unless its log has an op of the key beyond F. Such a key
// is explained and passed over. So is one whose object changed between the cut and the
// moment it is looked at. A key of which nothing is left but that it was deleted is the same
// as one that there never was: leaders drop what is left when nobody can need it, each in its
// own time. Every other difference is a finding: the same ops came to
// different objects. No clock and no waiting is in that rule.
//
// # What is done with a finding
//
// Package rejoin makes one object of both sides' versions and of the ops that their logs
// still have. Absence is never read as deletion. If that is what this leader holds, the
// other is wrong, and mends itself in a round of its own; else it replaces what is held
// here, on the loop, provided that nothing changed meanwhile. A finding that nobody can
// decide is told and stays.
//
// # After a change of the policy
//
// Leaders that went over to another policy from logs which reach back to different points
// may hold different objects, all of them right. Agree makes rounds until they are joined.
//
// # Messages
//
// Each is one message of [link.Mesh.Repair], at most once; whoever waits for an answer asks
// the range again, or gives the round up.
//
//	compare   seed, policy, prefix, range, frontier      ─▶ end of the range, first symbols
//	more      how many                                   ─▶ that many symbols
//	fetch     keys, items                                ─▶ of each its object, its ops, whether it is explained
//
// Bounds: a range is at most 65,536 keys and 4 MiB of them, of which 64 MiB are read at a
// time; an answer is at most 1 MiB; a leader holds one range for each leader that compares
// with it, and one of its own; a range takes at most 65,536 symbols.
//
// What the package is not: it decides nothing about which version survives, and does not
// scrub files; an object that cannot be read is package scrub's finding.
//
// Files: message.go and table.go are what is sent and what is compared; round.go asks,
// judge.go decides, serve.go answers, agree.go goes on until all are equal; service.go has the goroutines and the counts, and
// command.go is KVD.REPAIR.
package repair
