// Package whatif is what kv whatif and kvd replay have in common: the flags of a study
// ([study.Ask]), and how its report is told.
//
//	flags ─▶ Asked ─▶ (study) ─▶ [Report] ─▶ text or JSON
//
// The study itself, and the histories it is of, are in replica/client/study.
//
// Every report says what it is no answer to ([study.Caveat]), and which evidence
// is missing, if any is.
package whatif
