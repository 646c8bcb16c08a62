package server

import (
	"fmt"
	"strings"

	"kvd/replica/resp"
	"kvd/replica/resp/batch"
)

// dispatch takes one command: it becomes a step of the pending batch, or of the
// transaction, or is answered at once after everything before it.
func (c *conn) dispatch(args [][]byte) {
	k := &c.call
	k.Args, k.cmd = args, c.srv.Lookup(args[0])
	if err := c.admit(k); err != nil {
		if k.cmd != nil && k.cmd.Name == "exec" {
			c.forgetTx()
			err = resp.Error("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(batch.ErrorText(err), "ERR "))
		}
		if k.cmd != nil {
			k.cmd.Used.Rejected.Add(1)
		}
		c.refuse(err)
		return
	}
	c.last.Store(k.cmd)
	c.srv.show(k)
	switch {
	case c.tx.active && k.cmd.Flags&Control == 0:
		c.queue(k)
	case k.cmd.Flags&Exclusive != 0:
		c.runAlone(k)
	default:
		if len(args) > c.srv.cfg.Limits.Requests {
			c.flush() // it goes alone: what stands before it needs less, and is not refused with it
		}
		c.take(k, &c.pending)
	}
	if k.cmd.Flags&Exclusive == 0 || c.tx.active && k.cmd.Flags&Control == 0 {
		c.count(k.cmd)
	}
}

// admit finds what is wrong with a command before anybody looks at its meaning.
func (c *conn) admit(k *Call) error {
	switch {
	case k.cmd == nil:
		if resp.SameWord(k.Args[0], "POST") || resp.SameWord(k.Args[0], "HOST:") {
			c.closing = true // a browser that was talked into it; nothing after this is meant for us
		}
		return unknownCommand(k.Args)
	case !k.cmd.Takes(len(k.Args)):
		return resp.WrongArity(k.cmd.Name)
	}
	if err := k.checkSub(); err != nil {
		return err
	}
	switch {
	case c.unauthenticated() && k.cmd.Flags&BeforeAuth == 0:
		return resp.Error("NOAUTH Authentication required.")
	case k.cmd.Flags&WhileSubscribed == 0 && k.PubsubOnly():
		return resp.Error("ERR Can't execute '" + k.fullName() + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	case c.monitor != nil && k.cmd.Flags&(Read|Write) != 0:
		return resp.Error("ERR a connection that monitors cannot look at keys; use another, or RESET this one")
	}
	if err := c.permit(k); err != nil || !k.cmd.NeedsServing() {
		return err
	}
	return c.srv.served()
}

// served is why what looks at keys is not served yet; nil: it is.
func (s *Server) served() error {
	if l := s.cfg.Loading(); l != nil {
		return resp.Error("LOADING " + l.Why)
	}
	return nil
}

// refuse answers an error. A transaction with a refused command will not run.
func (c *conn) refuse(err error) {
	c.tx.spoilt = c.tx.spoilt || c.tx.active
	c.pending.Error(err)
}

func (c *conn) queue(k *Call) {
	l := &c.srv.cfg.Limits
	for _, a := range k.Args {
		c.tx.bytes += len(a)
	}
	switch {
	case k.cmd.Flags&NoMulti != 0:
		c.refuse(resp.Error("ERR Command not allowed inside a transaction"))
	case len(c.tx.Requests)+len(k.Args) > l.Queued+2 || len(c.tx.Steps) >= l.Queued:
		c.refuse(resp.Error(fmt.Sprintf("ERR the transaction is too big: it may have %d commands and %d keys; split it", l.Queued, l.Queued)))
	case c.tx.bytes+c.tx.Side.Len() > l.Command || c.tx.Dots*batch.DotBytes > int64(l.Command):
		c.refuse(resp.Error(fmt.Sprintf("ERR the transaction is too big: its commands may have %d bytes together; split it", l.Command)))
	default:
		c.enqueue(k)
		if err := c.hoard(); err != nil {
			c.refuse(err)
			return
		}
		c.queued.Store(int32(len(c.tx.Steps)))
		c.pending.Literal(func(w *resp.Writer) { w.Simple("QUEUED") })
	}
}

// enqueue adds a command to the transaction. One that writes its own reply does so
// when its turn comes.
func (c *conn) enqueue(k *Call) {
	if k.cmd.Plan != nil && !k.asksHelp() {
		c.take(k, &c.tx.Batch)
		return
	}
	late := Call{conn: c, cmd: k.cmd, Args: make([][]byte, len(k.Args))}
	for i, a := range k.Args {
		late.Args[i] = append([]byte{}, a...)
	}
	c.tx.bytes += lateBytes + len(late.Args)*argBytes
	n := len(c.tx.Requests)
	c.tx.Steps = append(c.tx.Steps, batch.Step{From: n, To: n, Keys: k.cmd.Flags&(Read|Write) != 0, Late: late.answer})
}

// What a command that waits for its turn takes, and each of its arguments.
const lateBytes, argBytes = 192, 32

// take adds a command to a batch: what it asks of the engine, or its answer.
func (c *conn) take(k *Call, b *batch.Batch) {
	k.b = b
	if k.cmd.Plan == nil || k.asksHelp() {
		b.Literal(k.answer)
		return
	}
	from := len(b.Requests)
	show, err := k.cmd.Plan(k)
	if err != nil {
		b.Cut(from)
		b.Error(err)
		return
	}
	b.Steps = append(b.Steps, batch.Step{Name: k.cmd.Name, Values: k.cmd.Name == "mget", From: from, To: len(b.Requests), Render: show})
}

// runAlone answers a command that must see everything before it done. The
// arguments stay valid: nothing is read meanwhile.
func (c *conn) runAlone(k *Call) {
	c.flush()
	if c.closing {
		return
	}
	began := c.srv.cfg.Now()
	k.answer(c.out)
	k.cmd.Used.Add(1, c.srv.cfg.Now().Sub(began))
	if k.cmd.Flags&Blocking == 0 {
		c.timed(began, k.slowArgs)
	}
}
