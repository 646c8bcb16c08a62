// Package whatif is what kv whatif and kvd replay have in common: flags, the
// study itself and how its findings are told.
//
//	flags ─▶ [Ask] ─┐
//	log or file ─▶ [Subject] ─▶ Ask.Study ─▶ [Report] ─▶ text or JSON
//
// What it is not: it reads neither leaders, files nor stores; whoever asks brings
// the history along.
//
// Every report says what it is no answer to ([replay.Caveat]), and which evidence
// is missing, if any is.
package whatif
