// Package exported is writes in a file that people and programs can read: a line of JSON
// each, in an order of cause and effect.
//
//	{"export":"kvd unshared writes 1","cluster":…,"leader":…,"because":…,"unasked":[…]}
//	{"dot":…,"key":…,"kind":"put","value":…,"wall":…,"client":…,"parents":[…]}      a write each
//	{"end":true,"writes":n}
//
// A key or a value that is not UTF-8 is key_base64 or value_base64. What a write's author
// had been shown is parents.
//
// What it is not: no backup and no history (package history has all the evidence that a
// resolver asks for). It is what a write was, so that somebody can write it again.
//
// Invariants:
//
//   - a file of its final name is whole: it is written under another name, synced and
//     renamed, and its last line says how many writes it has;
//   - writer and reader hold one write at a time, whatever the size of the file.
package exported
