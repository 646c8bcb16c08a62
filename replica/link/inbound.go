package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
)

// inbound is one connection that a peer dialled: batches and statuses come in,
// credit goes back. The reader never waits for the Sink: what it has granted
// credit for fits into the inbox.
type inbound struct {
	mesh  *Mesh
	conn  *conn
	dec   *wire.Decoder
	hello *wire.Hello
	from  replica.Leader
	ctx   context.Context // done: end now, drop what waits
	kill  context.CancelFunc
	done  chan struct{} // closed when the last Sink call has returned

	mu     sync.Mutex
	status *replica.Status // the newest
	inbox  []delivery
	window int  // credit the peer still has
	owed   int  // credit to give back
	over   bool // nothing more will come

	more, pay chan struct{}
	reach     logical.Seq // how far our own log is known to reach
	peer      *peer       // for counters
}

type delivery struct {
	batch  *replica.Batch
	charge int
}

// run reads until the connection ends; then what was received is delivered,
// unless the connection was killed.
func (in *inbound) run() {
	defer close(in.done)
	defer in.mesh.release(in)
	defer in.kill()
	in.peer = in.mesh.peer(in.from)
	if in.peer == nil { // removed since the greeting
		_ = in.conn.Close()
		return
	}
	in.mesh.emit(Event{Kind: Joined, Peer: in.from, Addr: in.conn.RemoteAddr().String()})
	in.serve()
}

func (in *inbound) serve() {
	err := in.conn.watch(in.mesh.cfg.IdleTimeout)
	var both sync.WaitGroup
	both.Go(in.deliver)
	both.Go(in.grant)
	if err == nil {
		err = in.read()
	}
	killed := in.ctx.Err() != nil
	in.mu.Lock()
	in.over = true
	in.mu.Unlock()
	notify(in.more)
	_ = in.conn.Close()
	in.report(err, killed)
	both.Wait()
}

// report says why the connection ended; killed: we closed it ourselves.
func (in *inbound) report(err error, killed bool) {
	e := Event{Kind: Parted, Peer: in.from, Addr: in.conn.RemoteAddr().String(), Err: err}
	refused, ok := errors.AsType[*RefusedError](err)
	switch {
	case isGarbage(err):
		e.Kind = Garbage
	case ok && refused.By == in.mesh.cfg.Name:
		e.Kind = Rejected
	case !ok && killed:
		e.Err = context.Canceled
	}
	in.mesh.emit(e)
}

func (in *inbound) read() error {
	for {
		kind, err := in.dec.Next()
		if err == nil {
			err = in.take(kind)
		}
		if err != nil {
			return err
		}
	}
}

func (in *inbound) take(kind wire.Kind) error {
	if kind != wire.KindCredit { // which a planted cut lets through, since it is no message
		in.peer.heard(kind == wire.KindStatus)
	}
	switch kind {
	case wire.KindBatch:
		return in.takeBatch()
	case wire.KindStatus:
		return in.takeStatus()
	case wire.KindPublished:
		return in.takePublished()
	case wire.KindRepair:
		return in.takeRepair()
	case wire.KindCredit: // a keep-alive
		_, err := in.dec.Credit()
		return err
	case wire.KindGoodbye:
		return errGoodbye
	case wire.KindRefuse:
		return in.mesh.refusedBy(in.from, in.dec)
	}
	return fmt.Errorf("a %s after the greeting: %w", kind, wire.ErrUnknown)
}

func (in *inbound) takeBatch() error {
	b, charge, err := in.dec.Batch()
	if err != nil {
		return err
	}
	var reach logical.Seq
	for _, op := range b.Ops {
		reach = max(reach, op.Deps.At(in.mesh.cfg.Origin))
		if op.Dot.Origin == in.mesh.cfg.Origin {
			reach = max(reach, op.Dot.Seq)
		}
	}
	if err := in.checkReach(reach); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.window <= 0 { // it may overdraw its credit by one frame: one larger than all credit could never be sent otherwise
		return fmt.Errorf("a batch of %d without credit: %w", charge, wire.ErrMalformed)
	}
	in.window -= charge
	in.inbox = append(in.inbox, delivery{b, charge})
	notify(in.more)
	return nil
}

func (in *inbound) takeStatus() error {
	s, err := in.dec.Status()
	if err != nil {
		return err
	}
	if err := in.checkReach(s.Frontier.At(in.mesh.cfg.Origin)); err != nil {
		return err
	}
	in.mu.Lock()
	in.status = s
	in.mu.Unlock()
	notify(in.more)
	return nil
}

// checkReach refuses whoever knows more of our present log than we do: either
// our log lost its end or another leader holds our origin. The core would have
// to stop; here it is the connection that ends.
func (in *inbound) checkReach(reach logical.Seq) error {
	if reach <= in.reach {
		return nil
	}
	if in.reach = in.mesh.sink.Frontier().At(in.mesh.cfg.Origin); reach <= in.reach {
		return nil
	}
	no := lostLog(string(in.from), string(in.mesh.cfg.Name), in.mesh.cfg.Origin, reach, in.reach)
	in.mesh.tellShared(no, in.hello)
	return in.mesh.refuse(in.conn, in.from, no)
}

// deliver hands the inbox to the Sink, a status first. Credit is given back by
// whoever says what became of it.
func (in *inbound) deliver() {
	defer notify(in.pay) // for grant to end
	defer in.kill()
	for in.ctx.Err() == nil {
		status, d, over := in.next()
		switch {
		case status != nil:
			in.mesh.sink.Receive(in.from, status)
		case d.batch != nil:
			in.mesh.sink.Receive(in.from, d.batch)
		case over:
			return
		default:
			select {
			case <-in.more:
			case <-in.ctx.Done():
			}
		}
	}
}

func (in *inbound) next() (*replica.Status, delivery, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if s := in.status; s != nil {
		in.status = nil
		return s, delivery{}, false
	}
	if len(in.inbox) == 0 {
		return nil, delivery{}, in.over
	}
	d := in.inbox[0]
	in.inbox[0] = delivery{}
	if in.inbox = in.inbox[1:]; len(in.inbox) == 0 {
		in.inbox = nil
	}
	return nil, d, false
}

// owe gives credit back once it is worth a frame. The peer cannot run dry
// meanwhile: it has three quarters of all credit left. More than it has used is for
// what came on an earlier connection, and is not given.
func (in *inbound) owe(charge int) {
	in.mu.Lock()
	in.owed = min(in.owed+charge, in.mesh.cfg.Window-in.window)
	worth := in.owed >= in.mesh.cfg.Window/4
	in.mu.Unlock()
	if worth {
		notify(in.pay)
	}
}

// grant writes credit, and a keep-alive where there is none to write. It says
// goodbye and closes the connection when the rest has ended.
func (in *inbound) grant() {
	defer func() { _ = in.conn.Close() }()
	var out []byte
	beat := time.NewTicker(in.mesh.cfg.IdleTimeout / 4)
	defer beat.Stop()
	for {
		quiet := false
		select {
		case <-in.pay:
		case <-beat.C:
			quiet = true
		case <-in.ctx.Done():
			_ = in.conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			_, _ = in.conn.Conn.Write(wire.AppendGoodbye(out[:0]))
			return
		}
		in.mu.Lock()
		n := in.owed
		in.owed, in.window = 0, in.window+n
		in.mu.Unlock()
		if n == 0 && !quiet {
			continue
		}
		out = wire.AppendCredit(out[:0], uint64(n))
		if _, err := in.conn.Write(out); err != nil {
			return
		}
	}
}
