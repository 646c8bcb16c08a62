// Package scenarios plays scripted histories and judges them.
//
//	script ─▶ world (virtual time, seeded; the real pump over the real store) ─▶ trace
//	                                   │
//	                                   ▼
//	                                history ─▶ oracle ─▶ result ─▶ report (table, explanation, picture)
//	                                                            └▶ page (one file of HTML)
//
// The packages below: script (the language), world (clocks, links, disks, leaders,
// clients in virtual time), live (the same against real processes), trace (what
// happened, in order), history (what clients sent, were shown and were told), oracle
// (judges a history, never from the servers' metadata), merge (how clients merge
// siblings), branch (until when a loss could have been avoided), report (renders), page (draws, for a browser), explore (random histories,
// shrinking), sweep (loss curves), playground (a page that plays what is changed in it),
// library (the scenarios that ship). This package runs a scenario under a resolver and
// gathers a [Result].
//
// Invariants: the same script, resolver and seed give the same trace, event for
// event; the servers' ledger and the oracle agree on every loss.
package scenarios
