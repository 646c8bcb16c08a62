package world

import (
	"errors"
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/lease"
	"kvd/resolve"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world/clientop"
)

type client struct {
	w      *World
	name   string
	id     uint64
	at     string // leader
	spec   script.Client
	token  replica.Token          // session clients: all they have seen
	queue  []operation            // what the script wants of it next
	doing  *operation             // nil: idle
	locks  map[string]lease.Token // that it was given and has not given back, whether or not they are over
	number uint64                 // of its last request
}

// operation is what a client does, and what it has seen.
type operation struct {
	clientop.Operation
	token replica.Token
	lock  lease.Token // that it was given
}

// do queues an operation and starts it if the client is idle.
func (c *client) do(op operation) {
	c.queue = append(c.queue, op)
	c.next()
}

func (c *client) next() {
	for c.doing == nil && len(c.queue) > 0 {
		op := c.queue[0]
		c.queue = c.queue[1:]
		if op.Kind == script.OpGoto {
			c.at = op.Leader
			c.w.Trace.Add(trace.Event{At: c.w.now, Kind: trace.Moved, Where: c.name, Peer: op.Leader})
			continue
		}
		if !c.mayBegin(&op) {
			continue
		}
		c.doing = &op
		c.number++
		op.token = c.token
		op.Begin(c.spec, c.number, c.at, c.w.cfg.Policy.Panel(op.Key).Serving == resolve.Counter)
		if op.Read {
			c.send(&op)
		} else {
			c.standStill(&op)
		}
	}
}

func (c *client) send(op *operation) {
	op.Tries++
	w := c.w
	if op.Tries > 1 {
		w.Fired["request sent again"]++
	}
	l := w.leaders[op.At]
	w.attempts++
	id := w.attempts
	req := c.request(op, id)
	w.waiting[id] = attempt{c, op}
	if op.Observed() {
		w.History.Sent(w.now, op.Request())
	}
	if !op.Read && !op.Locks() {
		kind, amount := op.Merged()
		w.requests[merge.Request{Client: c.id, Number: op.Number}] = issued{label: op.Name, id: op.ID(), kind: kind, amount: amount}
	}
	w.Trace.Add(op.Event(w.now, trace.Sent, op.ClientOp.String()))
	if timeout := op.AnswerTimeout(); timeout > 0 {
		w.after(timeout, func() { c.failed(id, "no answer within "+timeout.String()) })
	}
	if op.Redlock || op.Kind == script.OpUnlock && c.locks[op.Lock] == (lease.Token{}) {
		c.redlocking(op, id, op.until(w.now))
		return
	}
	arrivals := w.link(path{c.name, op.At}).arrivals(w.now)
	if l.pump == nil {
		c.failed(id, op.At+" refuses the connection")
		return
	}
	for _, at := range arrivals[:min(1, len(arrivals))] {
		switch {
		case op.Locks():
			w.at(at, func() { l.locking(c, op, id) })
		case op.Fenced && !op.Read:
			t := c.locks[op.Lock]
			w.at(at, func() { l.fenced(req, op.Lock, t) })
		default:
			c.arrive(l, req, at)
		}
	}
}

// arrive hands the request over. Without a delay that is at once and not behind
// everything else of this instant: a crash on the next line of the script then
// finds it written and not yet acknowledged.
func (c *client) arrive(l *leader, req *replica.Request, at time.Duration) {
	if at <= c.w.now {
		l.receive(req)
		return
	}
	c.w.at(at, func() { l.receive(req) })
}

func (c *client) request(op *operation, id uint64) *replica.Request {
	r := &replica.Request{ID: id, Key: op.Key, Token: op.token}
	if op.Read {
		r.Verb = replica.Get
		return r
	}
	r.Client, r.Number = c.id, op.Number
	r.Exact, r.Shown = op.Exact, op.Shown
	switch op.Kind {
	case script.OpExpire, script.OpKeep:
		r.Verb, r.Decide = replica.Update, op.touch
	case script.OpSet:
		r.Verb, r.Value = replica.Set, []byte(op.Value)
	case script.OpDelete:
		r.Verb = replica.Remove
	case script.OpIncr:
		r.Verb, r.Delta = replica.Incr, op.Amount
	default:
		r.Verb, r.Value = replica.Set, []byte(op.Made)
		if !op.Exact {
			r.Verb, r.Value, r.Delta = replica.Incr, nil, op.Amount
		}
	}
	return r
}

// failed ends an attempt without an answer: the outcome is unknown. The client
// sends the same request again if the script says where.
func (c *client) failed(id uint64, why string) {
	a, ok := c.w.waiting[id]
	if !ok {
		return
	}
	delete(c.w.waiting, id)
	op := a.op
	c.w.Trace.Add(op.Event(c.w.now, trace.Failed, why))
	if pause, again := op.Again(c.w.script); again {
		c.w.after(pause, func() { c.send(op) })
		return
	}
	if op.Observed() {
		c.w.History.Failed(c.w.now, op.ID(), why)
	}
	c.finish()
}

func (c *client) answered(op *operation, r *replica.Reply) {
	if r.Err != nil {
		c.w.Fired["request refused"]++
		if errors.Is(r.Err, replica.ErrOverloaded) {
			c.w.Fired["request refused, overloaded"]++
		}
		c.w.Trace.Add(op.Event(c.w.now, trace.Failed, r.Err.Error()))
		if op.Observed() {
			c.w.History.Refused(c.w.now, op.ID(), r.Err.Error())
		}
		c.finish()
		return
	}
	if op.Locks() {
		c.lockAnswered(op)
		return
	}
	if c.spec.Session {
		c.token = c.token.Join(r.Token)
	}
	if op.Read {
		c.read(op, r)
		return
	}
	if r.Retry {
		c.w.Fired["retry recognised"]++
	}
	c.w.acked(c, op, r)
	c.finish()
}

// read takes what the key shows; a read-modify-write goes on to write.
func (c *client) read(op *operation, r *replica.Reply) {
	c.w.shown(c, op, r)
	if op.Kind == script.OpGet {
		c.finish()
		return
	}
	op.token = op.token.Join(r.Token)
	op.Write(slices.Clone(r.Shown.Dots), merge.Modified(&op.ClientOp, c.w.write, r.Shown.Dots, texts(r.Shown.Values)))
	if c.w.hides(op.Key, &r.Shown) { // it goes over what has ended, and does not build on it
		op.Kind, op.Value = script.OpSet, op.Made
	}
	c.standStill(op)
}

func (c *client) finish() {
	c.w.last = max(c.w.last, c.w.now)
	c.doing = nil
	c.next()
}

// write is the op with a dot, as clients merge it.
func (w *World) write(d logical.Dot) (merge.Write, bool) {
	k := w.known[d]
	is, asked := w.requests[k.request]
	return merge.Write{Request: k.request, Kind: is.kind, Amount: is.amount, Over: k.over}, asked
}
