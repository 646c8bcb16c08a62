// Package scenarios plays scripted histories and judges them.
//
//	script ─▶ world (virtual time, seeded; the real pump over the real store) ─▶ trace
//	                                   │ what clients sent, were shown, were told
//	                                   ▼
//	                                oracle ─▶ result ─▶ report (table, story, picture)
//
// The rooms: script (the language), world (clocks, links, disks, leaders,
// clients in virtual time), trace (what happened, in order), oracle (judges from
// what clients saw, never from the servers' metadata), report (renders),
// explore (random histories, shrinking), library (the scenarios that ship).
// This package runs a scenario under a resolver and gathers a [Result].
//
// Invariants: the same script, resolver and seed give the same trace, event for
// event; the servers' ledger and the oracle agree on every loss.
package scenarios
