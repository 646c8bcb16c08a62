package server

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/ahead"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/budget"
	"kvd/replica/resp/monitor"
	"kvd/replica/resp/pubsub"
)

// conn is one client. One goroutine runs it: take what has arrived, hand it to
// the engine, wait, write the replies, push what the client listens to, read on.
// There is at most one batch in flight, so a client that does not read its
// replies stops being read from. Feeds never write: they wake the goroutine, which
// comes back from its read.
type conn struct {
	srv *Server
	nc  net.Conn
	in  *resp.Reader
	out *resp.Writer

	call    Call // the command at hand
	keys    strings.Builder
	values  []byte // memory of the next ones
	pending batch.Batch
	tx      transaction
	watched []*watchedKey
	guard   *replica.Guard // of the transaction that is being done
	replies []replica.Reply
	ready   chan struct{}           // one token when replies are there
	done    func([]replica.Reply)   // conn.finish, made once
	wrote   logical.Dot             // the last write, for WAIT
	acks    Acks                    // of its writes, unless they say
	last    atomic.Pointer[Command] // for CLIENT LIST, as active
	active  atomic.Int64            // nanoseconds of Unix time

	begun    time.Time                // when the command that is half here began to arrive
	closing  bool                     // answer what is pending, then close
	failures int                      // wrong passwords
	user     atomic.Pointer[acl.User] // who it has shown to be; nil: nobody yet

	runs    []commandRun // of the pending batch
	queued  atomic.Int32 // commands of the transaction, for CLIENT LIST; -1: there is none
	ahead   *ahead.Buffer
	direct  *ahead.Direct
	rearm   bool // the read deadline may not be zero
	limited bool // a write deadline is set
	streams bool // it is sent values as of one moment of the store
	flight  flight
	account *budget.Account
	spare   int64       // of them, for buffers between commands
	asks    int64       // nanoseconds of Unix time when it last began to wait for input
	tidy    atomic.Bool // it was woken to give spare memory back

	severed chan struct{}
	once    sync.Once

	mu   sync.Mutex // guards prof, but for what never changes: ID, addresses, Connected
	prof Client     // what others see of it; snapshot adds the rest

	subs       *pubsub.Subscriber
	subsHeld   int64          // of the memory of all clients, for the names
	monitor    *monitor.Lines // what MONITOR shows it; nil: nothing
	waker      *waker
	passedOver bool // messages went before commands
}

// baseBytes is about what a connection takes beside its buffers.
const baseBytes = 4 << 10

func newConn(s *Server, nc net.Conn, id int64) *conn {
	c := &conn{
		srv: s, nc: nc,
		ready: make(chan struct{}, 1), severed: make(chan struct{}),
		pending: batch.Batch{Side: resp.Buffer()}, tx: transaction{Batch: batch.Batch{Side: resp.Buffer()}},
	}
	c.prof = Client{
		ID: id, Addr: nc.RemoteAddr().String(), LocalAddr: nc.LocalAddr().String(), User: DefaultUser, Connected: s.cfg.Now(), Proto: resp.RESP2, conn: c,
	}
	c.in = resp.NewReader(tap{c}, &s.cfg.Limits.Limits)
	c.in.Unauthenticated, c.in.Grow, c.in.Spare = c.unauthenticated(), c.grow, s.budget.Pressed
	c.account = s.budget.Open(baseBytes+2*int64(s.cfg.Limits.Input), budget.Owner{Cut: c.sever, Trim: c.askTrim, Gone: c.severed})
	c.direct = ahead.NewDirect(nc)
	c.ahead = ahead.New(nc, c.account, s.budget.Pressed, c.severed, s.draining)
	c.waker = &waker{conn: nc}
	c.subs = pubsub.NewSubscriber(s.Broker, s.cfg.Feeds, c.reads, c.waker.Wake, c.sever)
	c.out = resp.NewWriter(sink{c}, s.cfg.Limits.Output)
	c.call.conn, c.done = c, c.finish
	c.active.Store(c.prof.Connected.UnixNano())
	c.queued.Store(-1)
	return c
}

func (c *conn) serve() {
	defer c.unsubscribe()
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
		if more {
			continue
		}
		if c.trim(); c.fill() != nil {
			return
		}
	}
}

// askTrim wakes the connection, so that it gives spare memory back. It may be called by
// anybody.
func (c *conn) askTrim() {
	c.tidy.Store(true)
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // it may be closed
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
	defer func() {
		if c.srv.stats.Commands.Add(n); n > 0 {
			c.begun = time.Time{} // after a whole command, the clock of the next one starts anew
		}
	}()
	for len(c.pending.Steps) < l.Pipeline && len(c.pending.Requests) < l.Requests && !c.pending.Heavy(l.Output) && !c.closing {
		args, ok, err := c.in.Next()
		if why, large := errors.AsType[resp.TooLarge](err); large {
			c.refuse(resp.Error("ERR " + why.Error()))
			n++
			continue
		}
		if err != nil {
			c.srv.stats.ProtocolErrors.Add(1)
			c.pending.Literal(func(w *resp.Writer) { w.Error("ERR " + err.Error()) })
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

// fill waits for more input, or until it is woken.
func (c *conn) fill() error {
	now, cfg := c.srv.cfg.Now(), &c.srv.cfg
	c.asks = now.UnixNano()
	deadline := c.readDeadline(now)
	if err := c.setReadDeadline(deadline); err != nil {
		return err
	}
	// Shutdown closes draining before it moves the deadlines, so either this
	// sees it or the read is woken up.
	if c.srv.isDraining() {
		return resp.ErrDraining
	}
	woken, err := c.read(now, deadline)
	timeout := err != nil && errors.Is(err, os.ErrDeadlineExceeded)
	c.rearm = c.rearm || timeout
	late := timeout && !c.srv.isDraining()
	if tidy := c.tidy.Swap(false); late && (deadline.IsZero() || (woken || tidy) && cfg.Now().Before(deadline)) {
		return nil
	}
	c.active.Store(now.UnixNano())
	if errors.Is(err, budget.ErrFull) {
		c.out.Error("ERR " + err.Error())
		_ = c.out.Flush() // closed either way
		return err
	}
	if late && c.in.Partial() {
		c.srv.stats.Slow.Add(1)
		c.out.Error("ERR Protocol error: the command did not arrive within " + cfg.Arrive.String())
		_ = c.out.Flush() // closed either way
	}
	return err
}

// setReadDeadline says until when the next read waits. That it is to wait for ever, as
// the one before, need not be said again, unless others may have moved the deadline.
func (c *conn) setReadDeadline(deadline time.Time) error {
	if deadline.IsZero() && !c.rearm && !c.listens() {
		return nil
	}
	c.rearm = !deadline.IsZero() || c.listens()
	return c.nc.SetReadDeadline(deadline)
}

// readDeadline is until when to wait for input: for ever or for the idle time between
// commands, and within one for what is left of the time it may take to arrive. A
// subscriber may be silent for ever.
func (c *conn) readDeadline(now time.Time) time.Time {
	cfg := &c.srv.cfg
	if c.in.Partial() {
		if c.begun.IsZero() {
			c.begun = now
		}
		large := time.Duration(max(0, c.in.Arrived()-resp.LargeArg))
		return c.begun.Add(cfg.Arrive + large*time.Second/slowClient)
	}
	c.begun = time.Time{}
	if idle := c.srv.Idle(); idle > 0 && !c.listens() {
		return now.Add(idle)
	}
	return time.Time{}
}

// slowClient is how many bytes a second of a large command must arrive at the least.
const slowClient = 256 << 10

// read takes what arrives, and reports whether the connection was woken. Then messages
// go before commands once, and every other time it looks for commands and does
// not wait for them.
func (c *conn) read(now, deadline time.Time) (woken bool, err error) {
	if !c.listens() {
		return false, c.in.Fill()
	}
	parked, pass := c.waker.Park(), !c.passedOver
	if c.passedOver = !parked && pass; c.passedOver {
		return true, os.ErrDeadlineExceeded
	}
	if soon := now.Add(pollInput); !parked && (deadline.IsZero() || soon.Before(deadline)) {
		if err := c.nc.SetReadDeadline(soon); err != nil {
			return true, err
		}
	}
	err = c.in.Fill()
	return c.waker.Unpark(), err
}
