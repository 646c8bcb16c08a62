package world

import (
	"slices"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// maxTries bounds how often a client sends one request.
const maxTries = 20

// client does one operation at a time and waits for each answer.
type client struct {
	w      *World
	name   string
	id     uint64
	at     string // leader
	spec   script.Client
	token  replica.Token            // session clients: all they have seen
	queue  []operation              // what the script wants of it next
	doing  *operation               // nil: idle
	number uint64                   // of its last request
	seen   map[string][]logical.Dot // what it was last shown of a key
}

// operation is one line of the script being carried out.
type operation struct {
	script.ClientOp
	label  string
	number uint64 // the write's request number
	leader string
	tries  int
	exact  bool // the write says what its author had been shown
	value  string
	shown  []logical.Dot
	token  replica.Token
	read   bool // the operation's own read is still to be answered
}

// do queues an operation and starts it if the client is idle.
func (c *client) do(op operation) {
	c.queue = append(c.queue, op)
	c.next()
}

// next starts the oldest operation.
func (c *client) next() {
	for c.doing == nil && len(c.queue) > 0 {
		op := c.queue[0]
		c.queue = c.queue[1:]
		if op.Kind == script.OpGoto {
			c.at = op.Leader
			c.w.trace.Add(trace.Event{At: c.w.now, Kind: trace.Moved, Where: c.name, Peer: op.Leader})
			continue
		}
		c.doing = &op
		op.leader = c.at
		c.begin(&op)
	}
}

// begin decides whether the operation reads first, as the client's own
// read-modify-write does, and sends its first request.
func (c *client) begin(op *operation) {
	op.token = c.token
	counts := c.w.cfg.Policy.Panel(op.Key).Serving == resolve.Counter
	switch op.Kind {
	case script.OpUpdate, script.OpAppend:
		op.read = !counts
	case script.OpGet:
		op.read = true
	}
	if counts && op.Kind == script.OpAppend {
		op.Amount = 1
	}
	c.number++
	op.number = c.number
	c.send(op)
}

// send tries the operation's present request once.
func (c *client) send(op *operation) {
	op.tries++
	w := c.w
	if op.tries > 1 {
		w.fired["request sent again"]++
	}
	l := w.leaders[op.leader]
	w.attempts++
	id := w.attempts
	req := c.request(op, id)
	w.waiting[id] = attempt{c, op}
	w.history.Sent(w.now, c.sent(op))
	if !op.read {
		kind, amount := merge.Of(&op.ClientOp, op.exact, op.value)
		w.requests[request{c.id, op.number}] = issued{label: op.label, id: c.identity(op), kind: kind, amount: amount}
	}
	w.trace.Add(trace.Event{At: w.now, Kind: trace.Sent, Where: c.name, Peer: op.leader, Label: op.label, Key: op.Key, Text: op.ClientOp.String()})
	c.startTimeout(op, id)
	arrivals := w.link(path{c.name, op.leader}).arrivals(w.now)
	if l.pump == nil {
		c.failed(id, op.leader+" refuses the connection")
		return
	}
	for _, at := range arrivals[:min(1, len(arrivals))] {
		c.arrive(l, req, at)
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

// request is the operation as the leader gets it.
func (c *client) request(op *operation, id uint64) *replica.Request {
	r := &replica.Request{ID: id, Key: op.Key, Token: op.token}
	if op.read {
		r.Verb = replica.Get
		return r
	}
	r.Client, r.Number = c.id, op.number
	r.Exact, r.Shown = op.exact, op.shown
	switch op.Kind {
	case script.OpSet:
		r.Verb, r.Value = replica.Set, []byte(op.Value)
	case script.OpDelete:
		r.Verb = replica.Remove
	case script.OpIncr:
		r.Verb, r.Delta = replica.Incr, op.Amount
	default:
		r.Verb, r.Value = replica.Set, []byte(op.value)
		if !op.exact {
			r.Verb, r.Value, r.Delta = replica.Incr, nil, op.Amount
		}
	}
	return r
}

// startTimeout gives up waiting after the operation's timeout.
func (c *client) startTimeout(op *operation, id uint64) {
	timeout := op.Timeout
	if timeout == 0 {
		timeout = c.spec.Timeout
	}
	if timeout > 0 {
		c.w.after(timeout, func() { c.failed(id, "no answer within "+timeout.String()) })
	}
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
	c.w.trace.Add(trace.Event{At: c.w.now, Kind: trace.Failed, Where: c.name, Peer: op.leader, Label: op.label, Key: op.Key, Text: why})
	if to := c.w.script.Again(op.Retry, c.spec.Retry, op.leader); to != "" && op.tries < maxTries {
		op.leader = to
		c.w.after(c.pause(op), func() { c.send(op) })
		return
	}
	c.w.history.Failed(c.w.now, c.identity(op), why)
	c.finish()
}

// pause is the wait before another try, so that a refused connection does not
// spin.
func (c *client) pause(op *operation) time.Duration {
	return time.Duration(op.tries) * 10 * time.Millisecond
}

// answered takes the reply of one attempt.
func (c *client) answered(op *operation, r *replica.Reply) {
	if r.Err != nil {
		c.refused(op, r.Err)
		return
	}
	if c.spec.Session {
		c.token = c.token.Join(r.Token)
	}
	if op.read {
		c.read(op, r)
		return
	}
	if r.Retry {
		c.w.fired["retry recognised"]++
	}
	c.w.acked(c, op, r)
	c.finish()
}

// refused is a definite no.
func (c *client) refused(op *operation, err error) {
	c.w.fired.refusal(err)
	c.w.trace.Add(trace.Event{At: c.w.now, Kind: trace.Failed, Where: c.name, Peer: op.leader, Label: op.label, Key: op.Key, Text: err.Error()})
	c.w.history.Failed(c.w.now, c.identity(op), err.Error())
	c.finish()
}

// read takes what the key shows; a read-modify-write goes on to write.
func (c *client) read(op *operation, r *replica.Reply) {
	c.w.shown(c, op, r)
	c.seen[op.Key] = slices.Clone(r.Shown.Dots)
	if op.Kind == script.OpGet {
		c.finish()
		return
	}
	op.read, op.exact, op.tries = false, true, 0
	op.shown = c.seen[op.Key]
	op.token = op.token.Join(r.Token)
	op.value = merge.Modified(&op.ClientOp, c.w.write, r.Shown.Dots, texts(r.Shown.Values))
	c.send(op)
}

// finish lets the next operation begin.
func (c *client) finish() {
	c.w.last = max(c.w.last, c.w.now)
	c.doing = nil
	c.next()
}

// identity names the operation's present request for the oracle: an operation's
// own read is a request of its own.
func (c *client) identity(op *operation) string {
	id := c.name + "." + strconv.FormatUint(op.number, 10)
	if op.read {
		id += ".read"
	}
	return id
}

// sent is the attempt as the oracle records it.
func (c *client) sent(op *operation) history.Request {
	r := history.Request{
		ID: c.identity(op), Label: op.label, Client: c.name, Session: c.spec.Session,
		Leader: op.leader, Key: op.Key, Verb: VerbOf(op.Kind, op.read), Delta: op.Amount,
		Exact: op.exact, Shown: op.shown, Valued: true,
	}
	switch {
	case op.exact:
		r.Value = op.value
	case r.Verb == history.Set:
		r.Value = op.Value
	}
	return r
}

// VerbOf is what a request asks for, in the history's words. Read says that it is the
// read before the client's own write.
func VerbOf(kind script.OpKind, read bool) history.Verb {
	if read {
		return history.Get
	}
	return map[script.OpKind]history.Verb{
		script.OpSet: history.Set, script.OpDelete: history.Delete, script.OpIncr: history.Incr,
		script.OpUpdate: history.Update, script.OpAppend: history.Append,
	}[kind]
}

// write is the op with a dot, as clients merge it.
func (w *World) write(d logical.Dot) (merge.Write, bool) {
	k := w.known[d]
	is, asked := w.requests[k.request]
	return merge.Write{Request: merge.Request{Client: k.request.client, Number: k.request.number}, Kind: is.kind, Amount: is.amount, Over: k.over}, asked
}
