// Package resolvetest proves the laws of resolving once, for every resolver.
//
// A [Past] is a random causal history of one key: several leaders with their
// own frontiers and faulty clocks, which accept plain and exact writes, deletes
// and additions, ship to each other in part, and now and then accept a request
// that another leader had accepted too. A [Replica] folds it in memory as a
// leader would. [Brute] says what must have come out, from the complete set of
// ops and by the most obvious means. A [Law] compares the two.
//
// wrong.go holds resolvers with well-known mistakes, to show that the laws
// catch them. None of this is for production.
package resolvetest
