// Package course is a way through chapter 8 of Kleppmann, "Designing Data-Intensive
// Applications" (2017), by what runs here: for each heading the scenarios of the library
// that show it, and exercises.
//
//	Sections ─▶ Exercise.Source ─▶ (somebody edits it) ─▶ Exercise.Changed, scenarios.Compare
//
// An exercise is a script with checks that do not hold. It is solved when every check
// holds under every resolver and nothing was changed but the lines that are free. So the
// runner itself corrects it; no answers are kept here.
//
// What the package is not: it plays nothing and prints nothing.
//
// Invariants, held by its tests: every exercise is unsolved as it is given, and can be
// solved; every scenario that a section names is in the library.
package course
