// Package riblt finds how two sets of 64-bit items differ, by rateless invertible Bloom
// lookup tables (Yang, Gilad, Alizadeh: Practical Rateless Set Reconciliation, SIGCOMM
// 2024). Nobody has to know beforehand how many differences there are.
//
//	items ─▶ Symbols ══ as many as it takes ══▶ Decoder.Add ─▶ Mine, Theirs
//
// A set has an endless row of coded symbols. Each item is in the first one, and in later
// ones ever more rarely, at places that follow from its own bits. A symbol is the sum
// (exclusive or) of the items in it, the sum of their checks, and how many they are. The
// difference of the symbols of two sets is the symbols of their difference: a symbol with
// a single item gives it away, and taking that out of the others leaves more of such. About
// 1.35 symbols a difference are enough where there are many, 1.72 on average at worst.
//
// Checks depend on a [Key], which is drawn for each comparison: whoever chooses items
// without knowing it cannot choose such that confuse a decoder.
//
// What the package is not: it sends nothing, and does not know what an item stands for.
//
// Invariants:
//
//   - nothing is called decoded unless every symbol is accounted for; without any symbol
//     nothing is;
//   - whatever symbols arrive, decoding ends after as many steps as there are symbols, with
//     the difference, with the wish for more, or with [ErrContradiction];
//   - memory is 24 bytes a symbol and 16 an item that differs. Items are only read.
package riblt
