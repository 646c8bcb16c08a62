package resp

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
)

// conn is one client. One goroutine runs it: take what has arrived, hand it to
// the engine, wait, write the replies, push what the client listens to, read on.
// There is at most one batch in flight, so a client that does not read its
// replies stops being read from. Feeds never write: they ring, and the goroutine
// comes back from its read.
type conn struct {
	srv         *Server
	nc          net.Conn
	id          int64
	addr, laddr string
	since       time.Time
	in          *Reader
	out         *Writer

	call    call // the command at hand
	pending batch
	tx      transaction
	replies []replica.Reply
	ready   chan struct{}           // one token when replies are there
	done    func([]replica.Reply)   // conn.finish, made once
	wrote   logical.Dot             // the last write, for WAIT
	last    atomic.Pointer[command] // for CLIENT LIST, as active
	active  atomic.Int64            // nanoseconds of Unix time

	begun    time.Time // when the command that is half here began to arrive
	closing  bool      // answer what is pending, then close
	known    bool      // has shown who it is
	failures int       // wrong passwords

	severed chan struct{}
	once    sync.Once

	mu   sync.Mutex // guards prof
	prof profile

	subs       subscriptions
	bell       bell
	passedOver bool // messages went before commands
}

var errSevered = errors.New("the connection was cut")

func newConn(s *Server, nc net.Conn, id int64) *conn {
	c := &conn{
		srv: s, nc: nc, id: id, since: s.cfg.Now(),
		addr: nc.RemoteAddr().String(), laddr: nc.LocalAddr().String(),
		ready: make(chan struct{}, 1), severed: make(chan struct{}),
		pending: batch{side: scratch()}, tx: transaction{batch: batch{side: scratch()}},
		prof: profile{proto: resp2},
	}
	c.in = NewReader(nc, &s.cfg.Limits)
	c.in.Guest = c.guest()
	c.out = NewWriter(sink{c}, s.cfg.Limits.Output)
	c.call.conn, c.done = c, c.finish
	c.active.Store(c.since.UnixNano())
	return c
}

// sink sends to the client, and cuts one that does not take its replies.
type sink struct{ *conn }

func (s sink) Write(b []byte) (int, error) {
	if err := s.nc.SetWriteDeadline(s.srv.cfg.Now().Add(s.srv.cfg.Send)); err != nil {
		return 0, err
	}
	n, err := s.nc.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.srv.stats.slow.Add(1)
	}
	return n, err
}

// serve runs the connection to its end.
func (c *conn) serve() {
	defer c.hush()
	defer c.sever()
	if c.handshake() != nil {
		return
	}
	for {
		more := c.gather()
		c.flush()
		c.deliver()
		if c.out.Flush() != nil || c.closing {
			return
		}
		if !more && c.fill() != nil {
			return
		}
	}
}

// sever closes the connection at once. It may be called by anybody, repeatedly.
func (c *conn) sever() {
	c.once.Do(func() {
		close(c.severed)
		_ = c.nc.Close() // nothing was kept back that closing could lose
	})
}

func (c *conn) handshake() error {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	if err := t.SetDeadline(c.srv.cfg.Now().Add(c.srv.cfg.Arrive)); err != nil {
		return err
	}
	if err := t.Handshake(); err != nil {
		return err
	}
	return t.SetDeadline(time.Time{})
}

// gather takes the commands that have arrived, up to the depth of a pipeline,
// and reports whether more may be there.
func (c *conn) gather() bool {
	l, n := &c.srv.cfg.Limits, uint64(0)
	defer func() { c.took(n) }()
	for len(c.pending.steps) < l.Pipeline && len(c.pending.reqs) < l.Requests && !c.closing {
		args, ok, err := c.in.Next()
		if err != nil {
			c.srv.stats.protocolErrors.Add(1)
			c.pending.literal(func(w *Writer) { w.Error("ERR " + err.Error()) })
			c.closing = true
			return false
		}
		if !ok {
			return false
		}
		c.dispatch(args)
		n++
	}
	return true
}

// took counts. After a whole command, the clock of the next one starts anew.
func (c *conn) took(n uint64) {
	if n > 0 {
		c.begun = time.Time{}
		c.srv.stats.commands.Add(n)
	}
}

// fill waits for more input, or until the bell is rung.
func (c *conn) fill() error {
	now, cfg := c.srv.cfg.Now(), &c.srv.cfg
	deadline := c.patience(now)
	if err := c.nc.SetReadDeadline(deadline); err != nil {
		return err
	}
	// Shutdown closes draining before it moves the deadlines, so either this
	// sees it or the read is woken up.
	if c.srv.isDraining() {
		return ErrDraining
	}
	rung, err := c.read(now, deadline)
	late := errors.Is(err, os.ErrDeadlineExceeded) && !c.srv.isDraining()
	if late && rung && (deadline.IsZero() || cfg.Now().Before(deadline)) {
		return nil
	}
	c.active.Store(now.UnixNano())
	if late && c.in.Partial() {
		c.srv.stats.slow.Add(1)
		c.out.Error("ERR Protocol error: the command did not arrive within " + cfg.Arrive.String())
		_ = c.out.Flush() // closed either way
	}
	return err
}

// patience is until when to wait for input: for ever or for the idle time between
// commands, and within one for what is left of the time it may take to arrive. A
// subscriber may be silent for ever.
func (c *conn) patience(now time.Time) time.Time {
	cfg := &c.srv.cfg
	if c.in.Partial() {
		if c.begun.IsZero() {
			c.begun = now
		}
		return c.begun.Add(cfg.Arrive)
	}
	c.begun = time.Time{}
	if cfg.Idle > 0 && !c.listens() {
		return now.Add(cfg.Idle)
	}
	return time.Time{}
}

// read takes what arrives, and reports whether the bell was rung. Then messages
// go before commands once, and every other time it looks for commands and does
// not wait for them.
func (c *conn) read(now, deadline time.Time) (rung bool, err error) {
	if !c.listens() {
		return false, c.in.Fill()
	}
	parked, pass := c.bell.park(), !c.passedOver
	if c.passedOver = !parked && pass; c.passedOver {
		return true, os.ErrDeadlineExceeded
	}
	if soon := now.Add(glance); !parked && (deadline.IsZero() || soon.Before(deadline)) {
		if err := c.nc.SetReadDeadline(soon); err != nil {
			return true, err
		}
	}
	err = c.in.Fill()
	return c.bell.unpark(), err
}

// flush hands the pending batch to the engine and renders the replies.
func (c *conn) flush() {
	if len(c.pending.steps) == 0 {
		return
	}
	if errors.Is(c.submit(&c.pending), errSevered) {
		return
	}
	c.pending.render(c.out, c.replies, c.srv.pick)
	c.forget()
	c.pending.reset()
}

// submit asks the engine and waits until c.replies are there. If the engine
// takes nothing, every reply is its error, which is also returned. After
// errSevered requests and replies are still the engine's: the batch forgets the
// ones, and nobody may touch the others.
func (c *conn) submit(b *batch) error {
	n := len(b.reqs)
	if n == 0 {
		return nil
	}
	c.forget()
	base := c.srv.requests.Add(uint64(n)) - uint64(n)
	for i, r := range b.reqs {
		r.ID = base + uint64(i) + 1
	}
	c.srv.stats.batches.Add(1)
	if err := c.srv.engine.Do(b.reqs, c.done); err != nil {
		for range n {
			c.replies = append(c.replies, replica.Reply{Err: err})
		}
		return err
	}
	select {
	case <-c.ready:
	case <-c.severed:
		*b, c.closing = batch{}, true
		return errSevered
	}
	c.note(n)
	return nil
}

// finish is called by the engine. The replies are lent, so they are copied.
func (c *conn) finish(replies []replica.Reply) {
	c.replies = append(c.replies, replies...)
	c.ready <- struct{}{}
}

// note checks the engine's answer and remembers the last write.
func (c *conn) note(n int) {
	if len(c.replies) != n {
		panic("resp: the engine answered a different number of requests than it was given")
	}
	for i := n - 1; i >= 0; i-- {
		if d := c.replies[i].Dot; !d.IsZero() {
			c.wrote = d
			return
		}
	}
}

// forget lets go of the replies: what they point to can be large.
func (c *conn) forget() {
	clear(c.replies)
	if c.replies = c.replies[:0]; cap(c.replies) > maxSpare {
		c.replies = nil
	}
}

// until looks again and again whether ok, for at most limit. Replies that are
// ready are sent before.
func (c *conn) until(limit time.Duration, ok func() bool) bool {
	if ok() || limit <= 0 {
		return ok()
	}
	if c.out.Flush() != nil {
		return false
	}
	end, look := time.NewTimer(limit), time.NewTicker(c.srv.cfg.Poll)
	defer end.Stop()
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if ok() {
				return true
			}
		case <-end.C:
			return ok()
		case <-c.severed:
			return false
		case <-c.srv.draining:
			return ok()
		}
	}
}
