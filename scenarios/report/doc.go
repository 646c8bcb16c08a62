// Package report renders results for people: the table that compares resolvers, the
// explanation of one run line by line, its picture in space and time, and the files
// that are kept of a run.
//
//	results ─▶ Blocks ─▶ Table, Markdown, JSON
//	result  ─▶ trace  ─▶ Explanation, Picture
//	results ─▶ Keep   ─▶ runs/NAME-TIME/{matrix.json (no histories),matrix.md,trace-*.jsonl}, runs/latest
//
// # JSON
//
// One array, an object for each scenario and resolver. Beside the counts of the table,
// what leaders show at the end ("values", by leader and key) and the promises it has:
//
//	losses   every acknowledged update that is lost: label, key, client, verb, class,
//	         dots, by (the label of what survives), by_verb, acked
//	         and avoidable, if somebody looked (package branch): until (true time), event
//	         (what happens then), enough (of links, clocks, machines: what alone helps), or
//	         never
//	serving  the resolver of each key
//	history  what it takes to find the losses again, without trusting the judge
//
// A history has writes: request, label, client, key, verb, sent, acked (missing: its
// client was never told) and every acceptance of the request: leader, dot, over (what
// the op went over), after (what the leader showed right after; unseen: nobody saw
// that), delta (what a counter grew by). A write that is exact goes over shown instead,
// what its client had been shown. It has reads, those that acknowledgements carried
// among them, and finals, with the dots of each; values are in traces. Where disks were
// lost it also has disks_lost and applied, which leader came to have which op when.
// Turns order all events of a run; times are nanoseconds of true time since the
// scenario's zero. Dots are texts, the origin before the last hyphen.
//
// Package oracle says when an update is lost. Lines of a trace name the dots of every
// reading (shown, acked, final) and what every op went over (accepted); behind them
// comes a line of kind loss for every update that is lost.
//
// What the package is not: it judges nothing. Whether an update is lost, and why, was
// decided before.
//
// Invariants: the same results render to the same bytes; nothing is left out without a
// sentence that says so; no line of a table or a picture is wider than the style's width
// unless a single name is.
package report
