// Package losses is the part of the ledger that is values: a [Row] for each lost write,
// with the verdicts of all resolvers that lost it; the [Stats] of a ledger, which say
// what became of every verdict ever inserted; and the [Retention] that bounds it.
//
// Rows and stats have one encoding each (encode.go, stats.go). A row is written
// append-style, as one is stored with every write that is lost; stats are a record of
// package codec.
//
// What it is not: it stores nothing, and decides no verdict. Package storage keeps rows
// and their index; whoever fills a batch applies what folding decided and puts rows,
// index entries and stats together.
//
// Invariants:
//
//   - inserted = held + retracted + evicted, for every resolver and class;
//   - a position is given once, in the order in which rows are inserted;
//   - no resolver is in two verdicts of a row.
package losses
