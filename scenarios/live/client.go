package live

import (
	"cmp"
	"context"
	"time"

	"kvd/replica/client/conn"
	"kvd/scenarios/history"
	"kvd/scenarios/live/attempt"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world/clientop"
)

// Bounds on what a client waits for, in addition to what the script says.
const (
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

type operation struct {
	clientop.Operation
	token   string   // update, append: what was read
	command []string // the present request as a leader takes it
}

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

func (c *client) begin(op *operation) {
	c.number++
	op.Begin(c.spec, c.number, c.at, c.d.counts(op.Key))
	c.d.naming(op.Name, c.identity(op))
}

func (c *client) again(ctx context.Context, op *operation, why string) bool {
	failed := op.Event(0, trace.Failed, why)
	pause, again := op.Again(c.d.s)
	if !again {
		c.failed(op, why)
		return false
	}
	c.d.rec.Add(true, failed, nil)
	return sleep(ctx, pause)
}

// failed takes down that the operation is given up.
func (c *client) failed(op *operation, why string) {
	request := op.ID()
	c.d.rec.Add(true, op.Event(0, trace.Failed, why), func(h *history.History, at time.Duration) { h.Failed(at, request, why) })
}

// refused takes down that a leader answered with an error.
func (c *client) refused(op *operation, why string) {
	request := op.ID()
	c.d.rec.Add(true, op.Event(0, trace.Failed, why), func(h *history.History, at time.Duration) { h.Refused(at, request, why) })
}

func (c *client) identity(op *operation) attempt.Identity {
	return attempt.Identity{Client: c.id, Number: op.Number}
}

// try sends the present request once and waits for the answer that gets through.
func (c *client) try(ctx context.Context, op *operation) (r answer, why string, answered bool) {
	op.Tries++
	c.d.requests.Add(1)
	if !op.Read {
		kind, amount := op.Merged()
		c.d.rec.Sending(attempt.Write{Identity: c.identity(op), Request: op.ID(), Label: op.Name, Key: op.Key, Kind: kind, Amount: amount})
	}
	sent := op.Request()
	c.d.rec.Add(false, op.Event(0, trace.Sent, op.ClientOp.String()), func(h *history.History, at time.Duration) { h.Sent(at, sent) })
	op.command = c.command(op)
	timeout := cmp.Or(op.AnswerTimeout(), maxTimeout)
	end := time.Now().Add(timeout)
	if c.d.cut(c.name, op.At) {
		return r, c.wait(ctx, end), false
	}
	reply := make(chan answer, 1)
	k := c.conns[op.At]
	delete(c.conns, op.At)
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
		c.conns[op.At] = r.conn
	}
	if r.lost != nil {
		return r, r.lost.Error(), false
	}
	if c.d.cut(op.At, c.name) {
		c.d.rec.Add(true, trace.Event{Kind: trace.Missed, Where: op.At, Peer: c.name, Label: op.Name, Key: op.Key}, nil)
		return r, c.wait(ctx, end), false
	}
	return r, "", true
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
		c.refused(op, r.refused.Error())
		return true
	case !op.Read:
		c.acked(op, r.written)
		return true
	}
	c.read(op, r.got)
	if op.Kind == script.OpGet {
		return true
	}
	op.token = r.got.token
	op.Write(r.got.reading.Dots, c.modified(ctx, op, r.got.reading))
	return false
}

func (c *client) read(op *operation, g got) {
	if c.spec.Session {
		c.token = g.seen
	}
	c.d.rec.Showed(g.reading.Dots)
	told := history.Read{Request: op.ID(), Client: c.name, Session: c.spec.Session, Leader: op.At, Key: op.Key, Reading: g.reading}
	c.d.rec.Add(true, trace.Event{Kind: trace.Shown, Where: c.name, Peer: op.At, Label: op.Name, Key: op.Key, Values: g.reading.Values, Dots: g.reading.Dots},
		func(h *history.History, at time.Duration) { h.Shown(at, told) })
}

func (c *client) acked(op *operation, w written) {
	if c.spec.Session {
		c.token = w.seen
	}
	request, leader := op.ID(), op.At
	c.d.rec.Add(true, trace.Event{Kind: trace.Acked, Where: c.name, Peer: leader, Label: op.Name, Key: op.Key, Values: w.Shown.Values, Dot: w.Dot, Dots: w.Shown.Dots},
		func(h *history.History, at time.Duration) { h.Acked(at, request, leader, w.Shown) })
	c.d.acked(op.Name)
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
