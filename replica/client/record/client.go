package record

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"kvd/replica/client/conn"
	"kvd/resolve/blackbox"
)

// worker is one client, at one server.
type worker struct {
	*recorder
	ctx    context.Context
	name   string
	server Server
	chance *rand.Rand
	conn   *conn.Conn // nil: none
	wait   time.Duration
	n      int // values that were made
}

func (r *recorder) worker(ctx context.Context, i int) *worker {
	return &worker{recorder: r, ctx: ctx, name: fmt.Sprintf("c%d", i+1), server: r.Servers[i%len(r.Servers)], chance: rand.New(rand.NewPCG(r.Seed, uint64(i)+1))}
}

// run does one update after the other.
func (w *worker) run() {
	defer w.hangUp()
	for w.connected() && w.next(w.ctx) {
		switch w.Workloads[w.chance.IntN(len(w.Workloads))] {
		case Counter:
			w.increment()
		case Set:
			w.add()
		case Register:
			w.replace()
		}
	}
}

// Bounds on how long a client waits before it connects again.
const (
	firstWait = 20 * time.Millisecond
	longest   = time.Second
)

// connected connects if need be; false: the context ended.
func (w *worker) connected() bool {
	for w.conn == nil {
		if w.wait > 0 && !sleep(w.ctx, w.wait) {
			return false
		}
		w.wait = min(max(firstWait, 2*w.wait), longest)
		nc, err := w.server.dial(w.Timeout)
		if err == nil {
			w.conn = nc
		}
	}
	return w.ctx.Err() == nil
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// do sends a command and says what became of it. A connection that failed is closed.
func (w *worker) do(words ...string) (conn.Reply, blackbox.Outcome) {
	reply, err := w.conn.Do(w.Timeout, words...)
	switch {
	case err == nil:
		w.wait = 0
		return reply, blackbox.Acked
	case conn.IsRefused(err):
		w.refused(err)
		return reply, blackbox.Failed
	}
	w.hangUp()
	return reply, blackbox.Indeterminate
}

// refused waits a little: who refuses once will refuse again.
func (w *worker) refused(err error) {
	w.mu.Lock()
	w.sum.Refusal = w.server.Addr + ": " + err.Error()
	w.mu.Unlock()
	sleep(w.ctx, firstWait)
}

// op begins an op of this client.
func (w *worker) op(verb blackbox.Verb, key string) *blackbox.Op {
	return &blackbox.Op{Client: w.name, Node: w.server.Addr, Key: key, Verb: verb, Start: w.now()}
}

// end records what became of it.
func (w *worker) end(o *blackbox.Op, outcome blackbox.Outcome) {
	if o.Outcome = outcome; outcome != blackbox.Indeterminate {
		o.End = w.now()
	}
	w.put(o)
}

// key is one of a workload's.
func (w *worker) key(kind Workload) string {
	return fmt.Sprintf("%s%s:%d", w.Prefix, kind, w.chance.IntN(w.Keys))
}

func (w *worker) increment() {
	o := w.op(blackbox.Incr, w.key(Counter))
	o.Delta = 1
	reply, outcome := w.do("INCR", o.Key)
	if outcome == blackbox.Acked {
		o.Read = blackbox.Reading{Known: true, Values: []string{reply.Text}}
	}
	w.end(o, outcome)
}

// shown is what a key shows, before it is written over. Where that cannot be learned there
// is nothing to write.
func (w *worker) shown(key string) (blackbox.Reading, bool) {
	reply, outcome := w.do("GET", key)
	return readingOf(key, w.Prefix, reply), outcome == blackbox.Acked
}

// readingOf is a reply to GET: the elements of a set are apart by spaces.
func readingOf(key, prefix string, reply conn.Reply) blackbox.Reading {
	r := blackbox.Reading{Known: true}
	switch {
	case reply.IsNull():
	case strings.HasPrefix(key, prefix+string(Set)+":"):
		r.Values = strings.Fields(reply.Text)
	default:
		r.Values = []string{reply.Text}
	}
	return r
}

// value is one that nobody else writes.
func (w *worker) value() string {
	w.n++
	return fmt.Sprintf("%s-%d", w.name, w.n)
}

func (w *worker) replace() {
	key := w.key(Register)
	shown, ok := w.shown(key)
	if !ok {
		return
	}
	o := w.op(blackbox.Update, key)
	o.Value, o.Shown = w.value(), shown
	_, outcome := w.do("SET", key, o.Value)
	w.end(o, outcome)
}

// fullSet is how many elements a set has before the next key takes its place: each update
// is as long as the set.
const fullSet = 64

func (w *worker) add() {
	slot := w.key(Set)
	w.mu.Lock()
	gen := w.gens[slot]
	w.mu.Unlock()
	key := fmt.Sprintf("%s:%d", slot, gen)
	shown, ok := w.shown(key)
	if !ok {
		return
	}
	if len(shown.Values) >= fullSet {
		w.fill(slot, gen)
		return
	}
	o := w.op(blackbox.Add, key)
	o.Value, o.Shown = w.value(), shown
	_, outcome := w.do("SET", key, strings.Join(append(shown.Values[:len(shown.Values):len(shown.Values)], o.Value), " "))
	w.end(o, outcome)
}

// fill goes on with the slot's next key.
func (w *worker) fill(slot string, gen int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gens[slot] == gen && len(w.keys) < maxKeys {
		w.gens[slot]++
	}
}
