// Package rewriting writes again, at a leader, what one that was forgotten had acknowledged
// alone and exported (package exported of storage).
//
//	file ─▶ a write after the other, in its order ─▶ KVD.REWRITE ─▶ what became of it ─▶ [Outcome]
//
// The leader decides: it knows whether the write is there after all, was written again
// before, or would go over something that its author had not been shown. So a command that
// ended early is given again.
//
// What it is not: it reads no flags and prints nothing.
//
// Invariants:
//
//   - a write is sent once, and after those that the file has before it;
//   - one write is held at a time.
package rewriting

import (
	"context"
	"strconv"
	"time"

	"kvd/replica/client"
	"kvd/storage/exported"
)

// File is the exported writes.
type File struct{ *exported.File }

// Open reads all of the file once: it must be whole.
func Open(path string) (*File, error) {
	f, err := exported.Open(path)
	return &File{f}, err
}

// Outcome is what became of one write.
type Outcome struct {
	Dot, Key, Kind string   // of the write in the file
	Became         string   // written, before, known, newer or ended, as KVD.REWRITE says it; Deadline: not asked
	As             string   // the dot that it has now; empty: none
	Shown          []string // newer: the dots that the key shows
}

// Deadline is what became of a write that changed the deadline of a value: it is not written
// again, as the value that is there may be another.
const Deadline = "deadline"

// Each writes all again, and tells of each. Over says that what the key shows is written
// over in any case. The error is that of the leader, a *client.Refusal, of the file, or of
// tell.
func (f *File) Each(ctx context.Context, l *client.Leader, over bool, tell func(*Outcome) error) error {
	for w := range f.All() {
		o := &Outcome{Dot: w.Dot, Key: w.KeyText(), Kind: w.Kind, Became: Deadline}
		if words := wordsOf(w, over); words != nil {
			r, err := l.Do(ctx, words...)
			if err != nil {
				return err
			}
			o.Became, o.As, o.Shown = r.Field("became").Text, r.Field("dot").Text, r.Field("shown").Texts()
		}
		if err := tell(o); err != nil {
			return err
		}
	}
	return f.Err()
}

// wordsOf is the command for a write; nil: there is none.
func wordsOf(w *exported.Write, over bool) []string {
	words := []string{"KVD.REWRITE", w.KeyText(), w.Dot, w.Kind}
	switch w.Kind {
	case "put":
		words = append(words, w.ValueText())
	case "add":
		words = append(words, w.Delta)
	case "delete":
	default:
		return nil
	}
	for _, p := range w.Parents {
		words = append(words, "PARENT", p)
	}
	if w.Client != 0 {
		words = append(words, "REQUEST", strconv.FormatUint(w.Client, 10), strconv.FormatUint(w.Request, 10))
	}
	if w.Kind == "put" && !w.Expires.IsZero() {
		words = append(words, "EXPIRES", w.Expires.Format(time.RFC3339Nano))
	}
	if over {
		words = append(words, "OVER")
	}
	return words
}
