// Package show prints what kv has found: one record or many, as text, table, JSON, lines
// of JSON, or raw bytes.
//
//	data (replica/client…) ─▶ its [Record] ─▶ [Printer].Put ─▶ the format that the user chose
//
// It also has the words of kv that several commands share: reasons why there is no
// answer, who is missing, how far leaders are apart.
//
// What it is not: it asks nobody and decides nothing.
//
// Invariants:
//
//   - what comes from a leader or a key does nothing to a terminal ([Printable]);
//   - JSON has every value whole: as text, or in base64 where it is none.
package show
