// Package judging says which acknowledged updates of any store are gone, by a history of
// operations in a file.
//
//	[Ask] ─▶ opfile (reads) ─▶ resolve/blackbox (judges) ─▶ [Report]
//
// The judging itself is resolve/blackbox's, whose documentation says what a history
// proves; here are the file, how much memory it may take, and how it ends with a context.
//
// What it is not: it neither reads flags nor prints, and asks no server.
package judging

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"runtime/debug"

	"kvd/replica/client/opfile"
	"kvd/resolve/blackbox"
	"kvd/resolve/replay"
)

// Ask is what somebody wants judged.
type Ask struct {
	Path   string    // of the file; it may have to be read several times
	Name   string    // what messages call it
	Format string    // one of opfile.Formats
	Stream io.Reader // read instead of the file, once; nil: the file is
	Losses int       // listed at most
	Memory int64     // bytes, about
	// Seen is given every op once, and Each every verdict; nil: nobody is. Both own what
	// they are given.
	Seen func(*Op)
	Each func(Verdict)
}

// What a report has.
type (
	Report   = blackbox.Report
	Kind     = blackbox.KindReport
	Outcome  = replay.Outcome
	Node     = blackbox.NodeReport
	Loss     = blackbox.Loss
	Clocks   = blackbox.Clocks
	Offset   = blackbox.Offset
	Skipped  = blackbox.Skipped
	Problem  = blackbox.Problem
	Mistakes = opfile.Mistakes
	Op       = blackbox.Op
	Verdict  = blackbox.Verdict
)

// Caveat limits what a report says of other resolvers.
const Caveat = blackbox.Caveat

// MinMemory is what the program itself takes.
const MinMemory = 32 << 20

// ErrOnce says that a pipe would have to be read twice.
var ErrOnce = opfile.ErrOnce

// base is what the program takes beside the ops.
const base = 24 << 20

// share is which part of the memory ops may take; evidence and garbage take the rest.
const share = 3

// Judge judges the file. Progress hears now and then how far reading is; nil: nobody
// does. The error is a *Mistakes where the file has some, ErrOnce, the context's, or
// that of reading.
func (a Ask) Judge(ctx context.Context, progress func(pass int, bytes int64)) (*Report, error) {
	before := debug.SetMemoryLimit(a.Memory)
	defer debug.SetMemoryLimit(before)
	src := &watched{ctx: ctx, seen: a.Seen, File: &opfile.File{Path: a.Path, Name: a.Name, Format: a.Format, Once: a.Stream, Progress: progress}}
	return blackbox.Judge(blackbox.Config{Memory: max(1<<20, (a.Memory-base)/share), Losses: a.Losses, Each: a.Each}, src)
}

// IsMistakes reports whether the file is to blame, and with what.
func IsMistakes(err error) (*Mistakes, bool) { return errors.AsType[*Mistakes](err) }

// watched is a file that ends with a context.
type watched struct {
	*opfile.File
	ctx  context.Context
	seen func(*Op) // nil: nobody
	told int       // how many ops it was given
}

const lookEvery = 1 << 12

// All is the file's, until the context ends.
func (w *watched) All() iter.Seq[*blackbox.Op] {
	return func(yield func(*blackbox.Op) bool) {
		n := 0
		for op := range w.File.All() {
			if n++; w.seen != nil && n > w.told {
				w.told = n
				w.seen(op)
			}
			if n%lookEvery == 0 && w.ctx.Err() != nil || !yield(op) {
				return
			}
		}
	}
}

// Err is the context's before the file's.
func (w *watched) Err() error { return cmp.Or(w.ctx.Err(), w.File.Err()) }
