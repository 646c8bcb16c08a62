// Package refold brings the objects of a store under another policy, from what the store
// keeps, before a leader serves it.
//
// A store says under which policy its objects are. [Run] brings it under another;
// opening a pump does so too ([Ensure]), so that no pump ever serves objects of another
// policy, or half of them. It changes objects and ledger rows alone: ops, requests and
// clocks stay as they are.
//
// # What it starts from
//
// What a resolver keeps that judged a key before and judges it now stays as it is. For one
// that judges it only now there are two sources. The versions of the object whose ops have
// left the log stand for the writes that they were: stamp resolvers take all of them, live
// sets take what another live set kept and what was shown, a counter takes the numbers
// that were shown. Then come all ops that the log still holds. With a whole log that is
// what folding all ops gives; with a part of it, everything that was shown is shown, or
// was beaten by something that is.
//
// Leaders whose logs reach back to different points may come to different objects. What
// they keep are then different subsets of one set of writes, so joining them (package
// rejoin) gives all the same.
//
// A counter's number is no value of any of its writes. Whoever makes a register of it sets
// it to its number first ([Numbers]), which is a write like any other; a store in which that is missing
// is refused, as is one that would make a counter of something else than an integer.
//
// # The ledger
//
// Verdicts of resolvers that judge no more, or judge anew, are retracted, and folding
// enters new ones. What is said of writes that have left the log stays, unless they are
// shown again: nobody can judge them any more.
//
// Files: refold.go (the steps), check.go (what is refused), change.go (one object), rows.go
// (the ledger), fold.go (one op), numbers.go (counters that shall be registers).
package refold
