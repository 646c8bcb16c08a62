package host

import (
	"fmt"

	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// Mend is an object that shall stand in place of one that is not what its ops fold into. It
// is no write: no op says it, nobody is sent it, and the ledger stays as it is.
type Mend struct {
	// Object is the loop's once it was handed over.
	Object *resolve.Object
	// Fits is asked, on the loop's goroutine, whether the object replaces what is held now,
	// which Fits only reads. False: nothing is changed.
	Fits func(present *resolve.Object) bool
	// Done is told, on the loop's goroutine, when the object is durable and shown. It is not
	// if the object does not fit, or the disk fails.
	Done func()
}

// Mend puts the object with the next batch, if it fits. It does not wait. A crash may undo
// a mend until the database is flushed: what is wrong then was wrong before, and whoever
// compares finds it again.
func (l *Loop) Mend(x *Mend) { l.push(item{mend: x}) }

// mend steps an object that shall be mended.
func (l *Loop) mend(m wallclock.Moment, x *Mend) error {
	fits, err := l.pump.mend(m, x)
	if fits && err == nil {
		l.flight.mended = append(l.flight.mended, x.Done)
	}
	return err
}

// mend puts the object beside what is folded, and reports whether it fits.
func (p *Pump) mend(m wallclock.Moment, x *Mend) (fits bool, err error) {
	p.begin()
	p.moment = m
	if p.err != nil {
		return false, p.err
	}
	key := x.Object.Key
	if err := p.overlay.Readable(key); err != nil {
		p.committed.Store.NoteDamage(fmt.Errorf("mend %.64q: %w", key, err))
		return false, nil
	}
	if fits = x.Fits(p.overlay.Object(key)); fits {
		p.out.Puts = append(p.out.Puts, replica.PutObject{Object: x.Object})
	}
	p.fail(p.overlay.CatchUp())
	p.encode()
	return fits, p.err
}
