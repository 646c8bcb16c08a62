// Package identity says whether a leader may resume its last origin after a restart.
// Who accepts writes under an origin that somebody else holds, or after ops that it no
// longer has, gives one dot to two writes.
//
//	start:  [Keeper.Recall] is it the directory that was run last, and whole? ─▶ [Confirmer] does anybody know more?
//	        ─▶ [Keeper.Begin] a new mark and a new attestation, before anything is accepted
//	run:    [Keeper.Witness] how far the log has come, now and then
//	stop:   [Keeper.End] the attestation says that the stop was a clean one, and where the log ends
//
// The mark lies beside the log and holds a token that is drawn at each start. The
// attestation lies in the state directory, which nobody copies along. It names the token,
// the machine, the inode of the directory and of the mark and when that inode last changed,
// which no program can set, and it says how the last incarnation was run. So a copy of the
// directory, or what is put in its place, does not agree with the attestation.
//
// # Every case
//
//	what happened                   what is found                              what is decided
//	clean stop                      log ends where the attestation says        resume
//	kill -9, crash of the process   same boot of the machine: what was         resume, whatever --sync is
//	                                written to the log is there
//	power loss, --sync always       the log has all that was acknowledged      resume
//	power loss, interval or never   the log may lack what peers have           new origin
//	disk failed, interval or never  [Keeper.Drop] removed the mark             new origin
//	old backup in its place         another mark, or a mark that was written   new origin
//	                                again since; with peers up or all down
//	old store in its place          another mark, or a manifest that is not    new origin
//	                                the one that was in use last
//	older log in its place          the attestation knows of more ops, or the  new origin
//	                                database is ahead of the log
//	clone on this machine           another inode, and no attestation of it    new origin
//	clone on another machine        no attestation; where the state directory  new origin
//	                                was copied along, of another machine
//	machine cloned as a whole       a peer knows a live holder                 new origin
//	machine rolled back as a whole  a peer has more ops of the origin          new origin
//	the same, all peers down        nothing can tell                           resume, see below
//	a peer cannot be reached        the attestation agrees, as all others do   resume, see below
//	--state-dir none                the attestation lies beside the mark: a    resume if every known member
//	                                copy is recognised, and a snapshot of the  confirms, and knows of nobody
//	                                whole volume is not                        that was never known here
//	disk replaced, directory empty  no mark                                    new origin; old ops come back
//	store damaged and made anew     the caller finds less than was there       new origin
//	new origin was asked for        [Keeper.Drop] removed the mark             new origin
//	crash within [Keeper.Begin]     a mark that the attestation announces      resume
//
// Where a log may have lost what it acknowledged, a new origin begins even if all members
// say that they have no more of it than the log: one may hold an op that it has not
// applied, in a queue or until what it depends on arrives.
//
// # What risk is taken
//
// A member that does not answer may hold ops of the origin that this log lacks only if the
// whole machine was rolled back, or its disk lost what it had said to be synced. Neither
// shows on the machine itself. Waiting for that member would cost an origin for every
// restart while it is dead, so it is not waited for. If it does know more, then that is
// found when it is met: the links refuse a log that lost its end, and the core takes no
// writes once a peer has ops, or other ops, of its own origin. What was accepted under the same
// dots until then is kept by name at both, and a new origin mends it.
//
// Invariants:
//
//   - what an attestation says was durable before anything was accepted that it does not
//     cover; a start that fails at any point leaves what the next start may believe;
//   - any doubt is an answer: a new origin ([NewOrigin]) is always safe, and costs an
//     entry in every frontier.
//
// What it is not: it opens no store and decides nothing alone; the caller holds the lock
// of the store, so that no other process runs on the directory, and checks that the log
// ends where the attestation says ([Run.Ends]).
package identity
