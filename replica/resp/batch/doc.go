// Package batch is the commands that go to a leader together: their requests, and how the
// replies are rendered.
//
//	command ─▶ Step: requests, Render ─┐
//	command ─▶ Step: bytes written ────┴▶ Batch ─▶ leader ─▶ replies ─▶ Batch.Render ─▶ Writer
//
// Invariants:
//
//   - replies are rendered in the order of the commands, whoever answers them;
//   - a batch is used again and again, and retains a bounded part of its memory;
//   - a step whose values found no capacity ends Render there: it and what is behind it is
//     handed over again.
package batch
