// Package report renders what runs leave behind for people: the table that
// compares resolvers, the story of one run, its picture in space and time, and
// the files a run is kept in.
//
//	results ─▶ Blocks ─▶ Table, Markdown, JSON
//	result  ─▶ trace  ─▶ Story, Picture
//	results ─▶ Keep   ─▶ runs/NAME-TIME/{matrix.json,matrix.md,trace-*.jsonl}, runs/latest
//
// It is not a judge: whether an update is lost, and why, was decided before.
//
// What holds: the same results render to the same bytes; nothing is left out
// without a sentence that says so; no line of a table or a picture is wider
// than the style's width unless a single name is.
package report
