// Package blackbox judges what clients saw of any store: from the operations that they
// sent and the replies that they got, it says which acknowledged updates are gone. It
// needs nothing of the store itself, as the checkers Elle (Kingsbury, Alvaro 2020) and
// Porcupine do not, and asks another question than they: not whether the history is
// linearizable, but which updates were lost, to what, and what other rules would have
// kept.
//
//	[Op]s (by a [Source]) ─▶ by key ─▶ evidence: who had been shown whom ─▶ fate of each update
//	                                 └▶ resolve.Op ─▶ resolve/replay: what each resolver would lose
//	                                                                    ─▶ [Report]
//
// # What a history says
//
// Start and End of all ops are readings of one clock, which no node's clock is. An op is
// acknowledged (its reply said yes), failed (it certainly did nothing), or indeterminate
// (no reply: it may have been done, at any time after its start). An indeterminate update
// counts as done once a reading shows it, and is neither acknowledged nor missing.
//
// The final reading of a node is the last one marked Final, or, where none of the key is,
// the last one that began after every acknowledged update of the key had ended. A key
// without one is unknown. Where the final readings of a key differ, what only some of
// them have is divided.
//
// A key is a counter if it is only incremented, a set if elements are added, else a
// register. Other mixtures are not judged, and the report says so.
//
//   - Set. An acknowledged element is present or lost by the final readings alone.
//   - Counter. Present is the final number less what the key began with (zero, or what
//     a reading showed before the first update); lost is acknowledged less present. A
//     reading is a lower bound of what was done by its end, so a final number below an
//     earlier reading is a loss too. Indeterminate increments may be part of the number,
//     so up to as many more are unknown. Where replies say the number after each
//     increment, and the numbers lead from the final one back to the beginning without a
//     gap or a doubt, they say which increments are present.
//   - Register. An update is accounted for if it is shown at the end, or if the author of
//     what is shown had been shown it, directly or through others. An update with Shown
//     (a read-modify-write) goes over exactly that. Any other goes over what its node was
//     last known to hold and what its client was last shown. That the node still held
//     what it had acknowledged is presumed. A write at another node that began before
//     may have arrived there unobserved: what only that could account for is unknown.
//     Values tell writes apart; where one was written several times, only what holds
//     for each of these writes is said. A deletion is lost if something that its author had
//     been shown survives; else whether it took effect cannot be seen. A key that is absent
//     at the end is taken to have been deleted if anybody deleted it.
//
// A lost update is inverted if its author had been shown what survives, concurrent if
// not; where it went over what nobody observed, that is unknown.
//
// # Clocks
//
// Last-write-wins with constant offsets of the nodes' clocks explains the outcome if every
// survivor had the greatest stamp of its key. Each pair of a survivor and another update
// bounds the difference of two offsets from below; [Clocks] is the smallest spread of
// offsets that meets all bounds, or says that there is none.
//
// # Other rules
//
// Updates become ops of resolve, each node one origin, and resolve/replay judges them. A
// node is taken to have applied what it accepted and what it was observed to show. Its
// wall clock is the recorded stamp, or else the middle of the time in which the op can
// have been done. Lamport and hybrid clocks are worked out from that key by key, so they
// are what they would be had each key been alone.
//
// # Memory
//
// Keys know nothing of each other, so a [Source] is gone through as often as the memory
// asks for, each time for a part of the keys.
//
// The package is pure: it opens nothing and reads no clock.
package blackbox
