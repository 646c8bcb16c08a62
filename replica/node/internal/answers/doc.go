// Package answers is the KVD commands that ask about acknowledged writes: what was
// lost, why, what became of one, whether all adds up, what an origin accepted, and which
// dots have two contents; and the two that then write, KVD.RESTORE and KVD.ACCEPT.
//
//	command ─▶ options ─▶ one snapshot ─▶ ledger.Reader ─▶ data ─▶ fields of a reply
//	                                                       └─▶ package explain: the sentences
//
// It translates: what is so is package ledger's to say, and how it is said explain's.
//
// Invariants:
//
//   - an answer is about one snapshot, and names it: who answered, and what was
//     applied there;
//   - a snapshot is read no longer than somebody waits for the answer, and nothing is
//     sent while it is open;
//   - one question at a time reads the whole log of a leader;
//   - nothing is told of a key that the user may not read, and counts cover only keys
//     that may be read.
//
// What it is not: commands that look at keys as clients use them, which are the
// server's; and those about members and faults, which are the leader's.
package answers
