// Package played makes the story of a page from a scenario that was played.
//
//	script, results ─▶ Story ─▶ page.Write
//
// It reads the trace of each result for who did what when, the judgement for what is lost,
// and the clocks of the simulation. Real leaders show their clocks only by their stamps,
// and nobody sees their messages being sent: those are drawn from the acceptance of their
// op and marked as guessed.
//
// What the package is not: it plays nothing and judges nothing.
package played
