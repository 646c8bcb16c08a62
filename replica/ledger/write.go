package ledger

import (
	"strconv"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/replay"
	"kvd/wallclock"
)

// Write is one accepted write as answers carry it.
type Write struct {
	Dot     logical.Dot
	Kind    resolve.Kind // zero: nothing of it is left here but its dot
	Value   []byte       // what a register held afterwards, truncated to Config.Value
	Size    int          // of the whole value
	Delta   int64
	Expires wallclock.Instant

	Wall    wallclock.Interval
	HLC     logical.HLC
	Lamport logical.Lamport

	Ended *resolve.Expiry // the write deletes what had reached its deadline, Expires; nil: it does not, or the log holds it no more

	Lifted *wallclock.Interval // what the leader's clock showed, where Wall is above that since another write would have beaten this one; nil: Wall is that

	Leader   string // where it was accepted
	Client   uint64 // zero: unknown, what is left of it does not say or it named none
	Author   string // Client, as people read it
	Parents  []logical.Dot
	LogEntry bool // the log still holds it
}

// write gathers what is left of d: from the log, else from the ledger's row and
// the object.
func (q *question) write(d logical.Dot) Write {
	w := Write{Dot: d, Leader: q.leader(d.Origin)}
	if op, ok := q.Op(d); ok {
		w.Kind, w.Delta, w.Expires, w.LogEntry = op.Kind, op.Delta.Clamp(), op.Expires, true
		w.Wall, w.HLC, w.Lamport = op.Stamps()
		w.Parents = op.Parents
		if op.IsExpiry() {
			w.Ended = op.Expired
		} else if op.IsLifted() {
			w.Lifted = &op.Wall
		}
		w.Value, w.Size, w.Client = op.Value, q.ops[d].size, op.Client
	} else {
		q.remains(&w)
	}
	w.Author = q.author(w.Client)
	return w
}

// remains fills in what the row keeps, which is all but the end of a long value,
// or else what the object still has: it does not know the client, and nothing of a
// value that only a counter keeps.
func (q *question) remains(w *Write) {
	kept, ok := q.evidence(w.Dot)
	if ok {
		kept.Dot, kept.Leader = w.Dot, w.Leader
		*w = kept
	}
	if i, found := q.object.Find(w.Dot); found {
		v := &q.object.Versions[i]
		switch {
		case ok && len(v.Value) <= len(w.Value):
		case ok:
			w.Value = v.Value
		case v.Value != nil || v.Deleted():
			w.Kind, w.Expires, w.Wall, w.HLC, w.Lamport = v.Kind, v.Expires, v.Wall, v.HLC, v.Lamport
			w.Value, w.Size = v.Value, len(v.Value)
		}
	}
	w.Value = truncate(w.Value, q.cfg.Value)
}

func (q *question) evidence(d logical.Dot) (Write, bool) {
	if len(q.losses(d)) == 0 {
		return Write{}, false
	}
	w, ok, err := q.ledger.Evidence(q.object.Key, d)
	q.fail(err)
	return w, ok && err == nil
}

func truncate(v []byte, limit int) []byte { return v[:min(len(v), limit):min(len(v), limit)] }

func (r *Reader) leader(o logical.Origin) string {
	if r.cfg.Names.Leader != nil {
		if n := r.cfg.Names.Leader(o); n != "" {
			return n
		}
	}
	return "leader " + o.String()
}

func (r *Reader) author(client uint64) string {
	if client == 0 {
		return ""
	}
	if r.cfg.Names.Client != nil {
		if n := r.cfg.Names.Client(client); n != "" {
			return "client " + n
		}
	}
	return "client " + strconv.FormatUint(client, 10)
}

// Expired reports whether the write deletes what had reached its deadline.
func (w *Write) Expired() bool { return w.Ended != nil || w.Kind == resolve.Delete && w.Expires != 0 }

// Class is what kind of intent a write was, or was lost.
type Class uint8

// The classes.
const (
	AnyWrite  Class = iota // a value that somebody set, or a write of which nothing is left
	Increment              // an addition, or what looks like one: a write of a number a little off the one that was read
	Deletion               // a deletion; when it is lost, what it deleted is shown again
)

// String names the class.
func (c Class) String() string {
	switch c {
	case Increment:
		return "increment"
	case Deletion:
		return "deletion"
	}
	return "write"
}

// Class is the kind of intent that was lost.
func (d *LossRecord) Class() Class { return classOf(d.Was.Kind, d.Was.Delta, len(d.Was.Parents)) }

// classOf is that of a write with so many parents. Of a write that the log no longer
// holds they are not known, and a number is then a number.
func classOf(k resolve.Kind, delta int64, parents int) Class {
	switch {
	case k == resolve.Delete:
		return Deletion
	case replay.Increment(k, delta, parents > 0):
		return Increment
	}
	return AnyWrite
}
