// Package monitor watches the disk beneath a leader that runs: whether there is room, how
// long it takes, and whether what is on it is still as it was written.
//
//	room left        clients      other leaders' ops       and
//	enough           served       taken
//	below MinFree    read only    taken
//	below a half     read only    not taken, no credit     what is there is kept for flushes
//	none             read only    not taken                the store has failed: it is opened again
//	                                                       when there is room
//
// Each level is left again by itself, when there is somewhat more room than it begins at. A
// leader whose disk is slow takes writes, and says that it is slow. Damage that the scrubber
// finds is handed to the store, and the next start makes that anew.
//
// What it is not: it frees no room, and decides nothing about ops; the loop refuses writes,
// and the links give no credit.
//
// Invariants:
//
//   - each change is told once, however long it lasts;
//   - credit for ops that were not taken is given back once there is room, on the connection
//     that they came by; their sender ships them again;
//   - nothing waits for the disk but the goroutine of the scrubber, and who asks how much
//     room there is.
//
// Files: monitor.go what is watched, room.go the levels, scrub.go what the scrubber found.
package monitor
