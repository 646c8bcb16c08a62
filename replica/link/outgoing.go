package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kvd/replica/wire"
	"kvd/resolve"
)

// flushBytes is how much is gathered for one write, unless one frame exceeds it.
const flushBytes = 64 << 10

// keptOut is how large the buffer of frames may stay between writes.
const keptOut = 512 << 10

var errGoodbye = errors.New("the peer said goodbye")

// outgoing is one connection that we dialled: batches and statuses go out,
// credit comes back.
type outgoing struct {
	*peer
	s      *session
	enc    *wire.Encoder
	parts  *wire.Parts // of the op that the queue begins with; nil: it was not begun
	out    []byte
	ahead  int           // bytes that ops may have before the next published message
	beat   time.Time     // when something must be written, so that the peer knows we live
	ended  chan struct{} // closed when the reader has ended
	readEr error         // why; set before ended is closed
}

func (o *outgoing) run() error {
	if err := o.s.conn.watch(o.mesh.cfg.IdleTimeout); err != nil {
		_ = o.s.conn.Close()
		return err
	}
	stop := context.AfterFunc(o.ctx, func() { _ = o.s.conn.Close() })
	defer stop()
	go o.read()
	err := o.write()
	_ = o.s.conn.Close()
	<-o.ended
	_, refused := errors.AsType[*RefusedError](o.readEr)
	if err == nil || refused || o.readEr == errGoodbye {
		return o.readEr // the reader knows better why a write failed
	}
	return err
}

func (o *outgoing) read() {
	defer close(o.ended)
	for o.readEr == nil {
		kind, err := o.s.dec.Next()
		if err == nil {
			err = o.hear(kind)
		}
		o.readEr = err
	}
	if isGarbage(o.readEr) {
		o.mesh.emit(Event{Kind: Garbage, Peer: o.name, Addr: o.s.conn.RemoteAddr().String(), Err: o.readEr})
	}
}

func (o *outgoing) hear(kind wire.Kind) error {
	switch kind {
	case wire.KindCredit:
		n, err := o.s.dec.Credit()
		if err != nil {
			return err
		}
		if !o.queue.grant(n, o.s.given) {
			return fmt.Errorf("credit of %d is more than was ever given: %w", n, wire.ErrMalformed)
		}
		notify(o.wake)
		return nil
	case wire.KindGoodbye:
		return errGoodbye
	case wire.KindRefuse:
		return o.mesh.refusedBy(o.name, o.s.dec)
	}
	return fmt.Errorf("a %s from whoever accepted: %w", kind, wire.ErrUnknown)
}

// write sends what waits, as it comes. nil: everything was sent and goodbye
// said, or the reader ended.
func (o *outgoing) write() error {
	o.beat = time.Now().Add(o.mesh.cfg.IdleTimeout / 4)
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		if err := o.flush(); err != nil {
			return err
		}
		leaving := o.mesh.leaving.Done()
		if o.mesh.leaving.Err() != nil {
			if o.queue.empty() {
				return o.part()
			}
			leaving = nil
		}
		now := time.Now()
		t.Reset(o.queue.wait(now, o.beat.Sub(now)))
		select {
		case <-o.wake:
		case <-t.C:
		case <-leaving:
		case <-o.ended:
			return nil
		}
	}
}

// flush writes all that may be sent now, and a keep-alive if it is due.
func (o *outgoing) flush() error {
	for {
		if n := o.queue.takeFull(); n > 0 {
			o.mesh.emit(Event{Kind: QueueFull, Peer: o.name, Count: n})
		}
		o.out = o.gather(o.out[:0])
		if len(o.out) == 0 && time.Now().Before(o.beat) {
			return nil
		}
		if len(o.out) == 0 {
			o.out = wire.AppendCredit(o.out, 0)
		}
		if _, err := o.s.conn.Write(o.out); err != nil {
			return err
		}
		if cap(o.out) > keptOut {
			o.out = nil
		}
		o.beat = time.Now().Add(o.mesh.cfg.IdleTimeout / 4)
	}
}

func (o *outgoing) gather(out []byte) []byte {
	for now := time.Now(); len(out) < flushBytes; {
		status, ops := o.queue.next(now)
		if status != nil {
			if o.s.version < floorVersion {
				status.Floor = 0 // the queue's own copy
			}
			out = wire.AppendStatus(out, status)
			continue
		}
		var any bool
		if out, any = o.gatherPublished(out, now, len(ops) > 0); any {
			continue
		}
		if len(ops) == 0 {
			return out
		}
		before := len(out)
		out = o.gatherOps(out, ops)
		o.ahead -= len(out) - before
	}
	return out
}

func (o *outgoing) gatherOps(out []byte, ops []*resolve.Op) []byte {
	limit, err := o.mesh.cfg.FrameBytes, error(nil)
	if o.parts == nil {
		o.parts, err = o.enc.InParts(ops[0], 2*limit)
	}
	took := wire.Taken{Ops: 1}
	switch {
	case err != nil:
	case o.parts != nil:
		out = o.parts.Append(out, limit)
		if left := o.parts.Left(); left > 0 {
			o.queue.wrote(ops[0].Footprint() - left)
			return out
		}
	default:
		out, took, err = o.enc.Batch(out, ops, limit)
	}
	if err != nil {
		o.mesh.emit(Event{Kind: Unsendable, Peer: o.name, Err: err})
		took.Ops = 1
	} else {
		o.opsOut.Add(uint64(took.Ops))
	}
	o.parts = nil
	o.queue.took(took.Ops)
	return out
}

// part says goodbye and waits for the other side to have read it: closing at
// once would throw away what the kernel still holds.
func (o *outgoing) part() error {
	if _, err := o.s.conn.Write(wire.AppendGoodbye(nil)); err != nil {
		return err
	}
	o.s.conn.closeWrite()
	<-o.ended
	return nil
}

// isGarbage reports whether err is about bytes, not about the connection.
func isGarbage(err error) bool {
	return errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrUnknown) ||
		errors.Is(err, wire.ErrChecksum) || errors.Is(err, wire.ErrTooLarge)
}
