package live

import (
	"context"
	"slices"
	"strconv"
	"time"

	"kvd/replica/client/conn"
	"kvd/scenarios/history"
	"kvd/scenarios/live/attempt"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
)

// Bounds on what a client waits for, in addition to what the script says.
const (
	maxTries   = 20 // how often one request is sent, as in the simulation
	dialTime   = 2 * time.Second
	maxTimeout = 30 * time.Second
)

// client does one operation at a time and waits for each answer. Its goroutine is
// the only one that uses it.
type client struct {
	d      *driver
	name   string
	id     uint64
	at     string // leader
	spec   script.Client
	number uint64
	token  string // session clients: all they have seen
	queue  chan operation
	conns  map[string]*conn.Conn
}

// operation is one line of the script being carried out.
type operation struct {
	script.ClientOp
	label   string
	number  uint64
	leader  string
	tries   int
	read    bool   // the operation's own read is still to be answered
	value   string // update, append: what is written
	token   string // update, append: what was read
	shown   history.Reading
	exact   bool
	command []string // the present request as a leader takes it
}

// run carries operations out until there are no more.
func (c *client) run(ctx context.Context) {
	defer c.hangUp()
	for op := range c.queue {
		if op.Kind == script.OpGoto {
			c.at = op.Leader
		} else {
			c.carry(ctx, &op)
		}
		c.d.finished(c.name)
	}
}

func (c *client) hangUp() {
	for _, k := range c.conns {
		k.Close()
	}
}

// carry does one operation to its end: with its own read before it, as a client's
// read-modify-write, where the key is no counter.
func (c *client) carry(ctx context.Context, op *operation) {
	c.begin(op)
	for ctx.Err() == nil {
		r, why, answered := c.try(ctx, op)
		if !answered {
			if c.again(ctx, op, why) {
				continue
			}
			return
		}
		if done := c.take(ctx, op, r); done {
			return
		}
	}
}

// begin numbers the operation and decides whether it reads first.
func (c *client) begin(op *operation) {
	counts := c.d.counts(op.Key)
	c.number++
	op.number, op.leader = c.number, c.at
	c.d.naming(op.label, c.identity(op))
	op.read = op.Kind == script.OpGet || !counts && (op.Kind == script.OpUpdate || op.Kind == script.OpAppend)
	if op.Kind == script.OpAppend && counts {
		op.Amount = 1
	}
}

// again decides whether the same request is sent once more.
func (c *client) again(ctx context.Context, op *operation, why string) bool {
	to := c.d.s.Again(op.Retry, c.spec.Retry, op.leader)
	if to == "" || op.tries >= maxTries {
		c.failed(op, why)
		return false
	}
	c.d.rec.Add(true, c.event(trace.Failed, op, why), nil)
	op.leader = to
	return sleep(ctx, time.Duration(op.tries)*10*time.Millisecond)
}

// failed takes down that the operation is given up, or was refused.
func (c *client) failed(op *operation, why string) {
	request := c.request(op)
	c.d.rec.Add(true, c.event(trace.Failed, op, why), func(h *history.History, at time.Duration) { h.Failed(at, request, why) })
}

func (c *client) event(k trace.Kind, op *operation, text string) trace.Event {
	return trace.Event{Kind: k, Where: c.name, Peer: op.leader, Label: op.label, Key: op.Key, Text: text}
}

// identity is the operation's for the record.
func (c *client) identity(op *operation) attempt.Identity {
	return attempt.Identity{Client: c.id, Number: op.number}
}

// request is the oracle's name for the operation's present request; its own read is
// one of its own.
func (c *client) request(op *operation) string {
	id := c.name + "." + strconv.FormatUint(op.number, 10)
	if op.read {
		id += ".read"
	}
	return id
}

// try sends the present request once and waits for the answer that gets through.
func (c *client) try(ctx context.Context, op *operation) (r answer, why string, answered bool) {
	op.tries++
	c.d.requests.Add(1)
	if !op.read {
		kind, amount := merge.Of(&op.ClientOp, op.exact, op.value)
		c.d.rec.Sending(attempt.Write{Identity: c.identity(op), Request: c.request(op), Label: op.label, Key: op.Key, Kind: kind, Amount: amount})
	}
	sent := history.Request{ID: c.request(op), Label: op.label, Client: c.name, Session: c.spec.Session, Leader: op.leader,
		Key: op.Key, Verb: world.VerbOf(op.Kind, op.read), Value: puts(op), Valued: true, Delta: op.Amount, Exact: op.exact, Shown: slices.Clone(op.shown.Dots)}
	c.d.rec.Add(false, c.event(trace.Sent, op, op.ClientOp.String()), func(h *history.History, at time.Duration) { h.Sent(at, sent) })
	op.command = c.command(op)
	timeout, end := c.timeout(op)
	if c.d.cut(c.name, op.leader) {
		return r, c.wait(ctx, end), false
	}
	reply := make(chan answer, 1)
	k := c.conns[op.leader]
	delete(c.conns, op.leader)
	c.d.asking.Add(1)
	go c.ask(*op, k, reply)
	select {
	case r = <-reply:
		return c.receive(ctx, op, r, end)
	case <-time.After(timeout):
		why = "no answer within " + timeout.String()
	case <-ctx.Done():
		why = ctx.Err().Error()
	}
	go hangUpLater(reply)
	return r, why, false
}

// hangUpLater closes a connection once the answer that nobody waits for has come.
func hangUpLater(reply <-chan answer) {
	if r := <-reply; r.conn != nil {
		r.conn.Close()
	}
}

// receive is the reply on its way back.
func (c *client) receive(ctx context.Context, op *operation, r answer, end time.Time) (answer, string, bool) {
	if r.conn != nil {
		c.conns[op.leader] = r.conn
	}
	if r.lost != nil {
		return r, r.lost.Error(), false
	}
	if c.d.cut(op.leader, c.name) {
		c.d.rec.Add(true, trace.Event{Kind: trace.Missed, Where: op.leader, Peer: c.name, Label: op.label, Key: op.Key}, nil)
		return r, c.wait(ctx, end), false
	}
	return r, "", true
}

// timeout is how long the script lets the client wait.
func (c *client) timeout(op *operation) (time.Duration, time.Time) {
	d := op.Timeout
	if d == 0 {
		d = c.spec.Timeout
	}
	if d == 0 {
		d = maxTimeout
	}
	return d, time.Now().Add(d)
}

// wait lets the time pass in which no answer comes.
func (c *client) wait(ctx context.Context, end time.Time) string {
	began := time.Now()
	sleep(ctx, time.Until(end))
	return "no answer within " + time.Since(began).Round(time.Millisecond).String()
}

// take goes on with an answer; true: the operation is done.
func (c *client) take(ctx context.Context, op *operation, r answer) bool {
	switch {
	case r.refused != nil:
		c.failed(op, r.refused.Error())
		return true
	case !op.read:
		c.acked(op, r.written)
		return true
	}
	c.read(op, r.got)
	if op.Kind == script.OpGet {
		return true
	}
	op.read, op.exact, op.tries = false, true, 0
	op.token, op.shown = r.got.token, r.got.reading
	op.value = c.modified(ctx, op, r.got.reading)
	return false
}

func (c *client) read(op *operation, g got) {
	if c.spec.Session {
		c.token = g.seen
	}
	c.d.rec.Showed(g.reading.Dots)
	told := history.Read{Request: c.request(op), Client: c.name, Session: c.spec.Session, Leader: op.leader, Key: op.Key, Reading: g.reading}
	c.d.rec.Add(true, trace.Event{Kind: trace.Shown, Where: c.name, Peer: op.leader, Label: op.label, Key: op.Key, Values: g.reading.Values, Dots: g.reading.Dots},
		func(h *history.History, at time.Duration) { h.Shown(at, told) })
}

func (c *client) acked(op *operation, w written) {
	if c.spec.Session {
		c.token = w.seen
	}
	request, leader := c.request(op), op.leader
	c.d.rec.Add(true, trace.Event{Kind: trace.Acked, Where: c.name, Peer: leader, Label: op.label, Key: op.Key, Values: w.Shown.Values, Dot: w.Dot, Dots: w.Shown.Dots},
		func(h *history.History, at time.Duration) { h.Acked(at, request, leader, w.Shown) })
	c.d.acked(op.label)
}

// modified is what a client makes of what it read. Several numbers are merged before,
// which takes what was told of the writes behind them.
func (c *client) modified(ctx context.Context, op *operation, shown history.Reading) string {
	for end := time.Now().Add(dialTime); op.Kind == script.OpUpdate && len(shown.Dots) > 1 && !c.d.rec.Knows(shown.Dots) && time.Now().Before(end); {
		if !sleep(ctx, closePoll) {
			break
		}
	}
	return c.d.rec.Modified(&op.ClientOp, shown)
}

// puts is the text that the write puts.
func puts(op *operation) string {
	if op.exact {
		return op.value
	}
	return op.Value
}

// sleep waits; false: the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
