package resp

// dispatch takes one command: it becomes a step of the pending batch, or of the
// transaction, or is answered at once after everything before it.
func (c *conn) dispatch(args [][]byte) {
	k := &c.call
	k.args, k.cmd = args, c.srv.lookup(args[0])
	if err := c.admit(k); err != nil {
		c.refuse(err)
		return
	}
	c.last.Store(k.cmd)
	switch {
	case c.tx.active && k.cmd.flags&control == 0:
		c.queue(k)
	case k.cmd.flags&alone != 0:
		c.runAlone(k)
	default:
		c.take(k, &c.pending)
	}
}

// admit finds what is wrong with a command before anybody looks at its meaning.
func (c *conn) admit(k *call) error {
	switch {
	case k.cmd == nil:
		if sameWord(k.args[0], "POST") || sameWord(k.args[0], "HOST:") {
			c.closing = true // a browser that was talked into it; nothing after this is meant for us
		}
		return unknownCommand(k.args)
	case !k.cmd.takes(len(k.args)):
		return wrongArity(k.cmd.name)
	case c.guest() && k.cmd.flags&open == 0:
		return refusal("NOAUTH Authentication required.")
	case k.cmd.flags&listening == 0 && c.confined():
		return refusal("ERR Can't execute '" + k.fullName() + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	}
	return nil
}

// refuse answers an error. A transaction with a refused command will not run.
func (c *conn) refuse(err error) {
	c.tx.spoilt = c.tx.spoilt || c.tx.active
	c.pending.literal(func(w *Writer) { w.Error(errorText(err)) })
}

// queue adds a command to the transaction.
func (c *conn) queue(k *call) {
	l := &c.srv.cfg.Limits
	for _, a := range k.args {
		c.tx.bytes += len(a)
	}
	switch {
	case k.cmd.flags&single != 0:
		c.refuse(refusal("ERR Command not allowed inside a transaction"))
	case len(c.tx.reqs)+len(k.args) > l.Queued+2 || len(c.tx.steps) >= l.Queued || c.tx.bytes > l.Command:
		c.refuse(refusal("ERR the transaction is too big; split it"))
	default:
		c.take(k, &c.tx.batch)
		c.pending.literal(func(w *Writer) { w.Simple("QUEUED") })
	}
}

// take adds a command to a batch: what it asks of the engine, or its answer.
func (c *conn) take(k *call, b *batch) {
	k.b, k.seen = b, nil
	if k.cmd.plan == nil {
		k.w = &b.side
		b.literal(func(w *Writer) {
			if err := k.cmd.run(k); err != nil {
				w.Error(errorText(err))
			}
		})
		return
	}
	from := len(b.reqs)
	show, err := k.cmd.plan(k)
	if err != nil {
		b.cut(from)
		b.literal(func(w *Writer) { w.Error(errorText(err)) })
		return
	}
	b.steps = append(b.steps, step{from: from, to: len(b.reqs), render: show, seen: k.seen})
}

// runAlone answers a command that must see everything before it done. The
// arguments stay valid: nothing is read meanwhile.
func (c *conn) runAlone(k *call) {
	c.flush()
	if c.closing {
		return
	}
	k.w = c.out
	if err := k.cmd.run(k); err != nil {
		c.out.Error(errorText(err))
	}
}
