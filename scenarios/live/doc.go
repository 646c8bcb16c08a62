// Package live plays scenarios against real kvd processes: real files, sockets
// and gossip. It is judged exactly as the simulation is.
//
//	script ─▶ plan: may it, how fast ─▶ scaled script ─┬▶ simulation ─▶ reference
//	                                                   ▼                    │
//	processes ◀─ commands, faults, signals ─ driver ─▶ record ─▶ same story? ─▶ scenarios.Judge
//
// One process per leader runs on loopback. True time is the runner's clock. A
// script is stretched or compressed as a whole, its clocks and delays alike, so
// that a history of milliseconds is not decided by how long a disk takes to sync
// and one of minutes takes seconds. What cannot be scaled stays: the leaders'
// own settings, and the speed of the machine.
//
// Faults are real where that can be: pause is SIGSTOP, crash is SIGKILL, a wiped
// disk is a removed folder. Clocks and links go wrong inside the leaders, by
// KVD.FAULT. What is cut between a client and a leader is dropped by the driver.
//
// A schedule that slipped tells another story: writes whose stamps lie the other
// way round, or that had seen what they should not have. The simulation of the
// scaled script is the reference. An attempt whose writes are not related as they
// are there, in stamps and in what their authors had been shown, is played again,
// twice as slow where the limits of a plan allow it, a bounded number of times, and counted. What the leaders made of those writes is not
// compared for that: it is the result.
//
// What the package is not: it judges nothing and decides no outcome; the oracle
// and the promises are those of package scenarios.
//
// Invariants:
//
//   - no process, goroutine or folder outlives Run, however it ends; a runner
//     that is killed takes its processes with it (on Linux);
//   - the oracle is fed only what clients were told, and when leaders were
//     observed to have applied it; the leaders' ledgers are compared with it.
//
// What was observed of an attempt, and whether it tells what was meant, is package
// attempt.
package live
