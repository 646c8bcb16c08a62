package study

import (
	"errors"
	"io"

	"kvd/storage/history"
)

// Target is where a history is written: a file that appears when it is whole, or else a
// stream.
type Target struct {
	Path   string
	Force  bool      // replace a file that is there
	Stream io.Writer // nil: a file
}

// Saved is how much was written.
type Saved struct {
	Ops   int
	Bytes int64
}

// tellSaved is after how many ops it is told how far writing is.
const tellSaved = 1 << 14

// Save writes all ops, or leaves no file behind. Told hears now and then how far it is.
func (p *Past) Save(to Target, told func(ops int)) (Saved, error) {
	w, err := to.create(p.header())
	if err != nil {
		return Saved{}, err
	}
	for op := range p.All() {
		if err = errors.Join(p.ctx.Err(), w.Put(op)); err != nil {
			break
		}
		if w.Ops()%tellSaved == 1 {
			told(w.Ops())
		}
	}
	if err = errors.Join(err, p.Err()); err != nil {
		return Saved{}, errors.Join(err, w.Abort())
	}
	err = w.Finish()
	return Saved{w.Ops(), w.Bytes()}, err
}

func (to Target) create(h history.Header) (*history.Writer, error) {
	if to.Stream != nil {
		return history.Stream(to.Stream, h)
	}
	return history.Create(history.Options{Path: to.Path, Force: to.Force}, h)
}

// header is what a file says of the history.
func (p *Past) header() history.Header {
	return history.Header{Leader: p.Leader, At: p.At, Prefix: p.Prefix, Policy: p.Policy, UpTo: p.UpTo, Names: p.names}
}
