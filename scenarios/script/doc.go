// Package script is the language scenarios are written in: its syntax tree,
// its parser, its canonical printer and the table of its verbs.
//
// A script is a txtar archive. The head is prose: what happens, and why it
// must. The file "scenario" holds one line per verb: what the cluster is, when
// something happens to it, and what is promised afterwards. The file "expect"
// holds a table that the runner writes and compares.
//
//	A read, then an increment at a leader whose clock is behind.
//	-- scenario --
//	name     ddia-8-3
//	leaders  n1 n2 n3
//	clock    n1 offset=+3ms error=4ms
//	client   A at=n1
//	client   B at=n3 session
//	at 42.001s                   A set x 1   as w1
//	after w1 seen by n3 +1.5ms   B incr x    as w2
//	settle 1s
//	check converged
//
// What the package is not: it is no runner. It knows nothing of stores, resolvers,
// simulations or processes. It reads no files and keeps no state between calls. Every
// value that it returns belongs to the caller.
//
// Invariants:
//
//   - Print is canonical: for every text t that Parse accepts,
//     Parse(Print(Parse(t))) equals Parse(t), and Print of it is the same
//     bytes again. Parse refuses a text whose canonical form would be too
//     large to be read back, so the law has no exception.
//   - Prose, comments ("# ..." on lines of their own) and blank lines survive;
//     a run of blank lines becomes one. Notes belong to the line below them
//     and move and vanish with it. Comments at the end of a line do not exist.
//   - Print gathers lines by what they are: name, title, model, leaders,
//     policies, shadows, settings, seed, clock, link, cut and partition lines of the set-up, clients,
//     events, settle, checks. Within each group the author's order stays.
//   - Whatever Parse accepts is whole: every leader, client, label, lock and backup
//     it mentions exists; labels, locks and backups are defined on an earlier line
//     than the one that uses them, so causal triggers cannot form a circle;
//     no fault lies outside the stated system model; all bounds are kept.
//   - Validate is Parse of what Print writes: a scenario built in memory is
//     legal exactly when its text is.
//   - Every mistake is an *Error that names file, line, column, what was read
//     and what was expected. Parse reports all of them in one *Mistakes, one a line of the
//     script: reading goes on behind a mistake, and what a line with a mistake was to say of
//     labels, leaders and clients is taken for said, so that no other line is blamed. The
//     first 20 are told; after 1,000 reading ends. Declarations
//     (name, title, model, leaders, policy, shadow, settings, seed, client) are read before the rest,
//     wherever they are; leaders come before the clients that name them.
//
// How words and values are written, and what was meant by a word that is none, is package
// internal/spell; how mistakes are told is package internal/mistake.
package script
