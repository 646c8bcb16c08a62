package world

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/merge"
	"kvd/scenarios/trace"
)

func (w *World) event(l *leader, e replica.Event, replies []replica.Reply) {
	w.Fired.event(l, e)
	switch e := e.(type) {
	case replica.Accepted:
		w.noteNews()
		w.accepted(l, e.Op, replies)
	case *replica.Applied:
		w.noteNews()
		w.applied(l, e)
	case *replica.Judged:
		w.judged(l, e)
	case replica.ClockAhead, replica.LamportAhead:
		w.Refused = true
	case replica.WritesRefused:
		w.quarantine(l, e.Why.Cause, " is in quarantine: most others place true time elsewhere")
	case replica.WritesAllowed:
		w.quarantine(l, e.Cause, " is out of quarantine")
	}
}

// quarantine puts what follows from comparing clocks into the story.
func (w *World) quarantine(l *leader, cause replica.Cause, what string) {
	if cause == replica.ClockWrong {
		w.Trace.Add(trace.Event{At: w.now, Kind: trace.Fault, Text: "the clock of " + l.name + what})
	}
}

// accepted learns the op of a request, tells the oracle what its
// acknowledgement says, whether or not it gets through, and lets those go on who
// waited for this leader to see it.
func (w *World) accepted(l *leader, op *resolve.Op, replies []replica.Reply) {
	w.learn(op)
	if op.IsExpiry() {
		got := l.reads(op.Key)
		w.tell(l, op, &got)
	}
	for i := range replies {
		if r := &replies[i]; r.Dot == op.Dot && !r.Retry {
			w.tell(l, op, &r.Shown)
		}
	}
	ev := trace.Event{At: w.now, Kind: trace.Accepted, Where: l.name, Label: w.Label(op.Dot), Key: op.Key,
		Values: l.written(op), Dot: op.Dot, Dots: op.Parents, Clock: op.Wall, HLC: op.HLC, Lamport: op.Lamport}
	l.shows(&ev)
	w.Trace.Add(ev)
	w.seen(l, op.Dot)
}

func (w *World) applied(l *leader, e *replica.Applied) {
	w.learn(e.Op)
	delete(w.ops, e.Op.Dot) // two leaders have it
	ev := trace.Event{At: w.now, Kind: trace.Applied, Where: l.name, Peer: string(e.From), Label: w.Label(e.Op.Dot),
		Key: e.Op.Key, Dot: e.Op.Dot, Clock: l.clock.Read(w.instant())}
	l.shows(&ev)
	w.Trace.Add(ev)
	w.seen(l, e.Op.Dot)
}

// shows adds to an event what the leader shows of the event's key.
func (l *leader) shows(e *trace.Event) {
	panel, got := l.w.cfg.Policy.Panel(e.Key), l.reads(e.Key)
	if e.After = got.Dots; panel.Serving == resolve.Counter && len(got.Values) > 0 {
		e.Total = string(got.Values[0])
	}
}

// reads is what is stored of the key, whether or not its deadline has come.
func (l *leader) reads(key string) resolve.Reading {
	r := l.pump.Reader()
	return l.w.cfg.Policy.Panel(key).Read(r.Object(key), r)
}

// judged puts losses, and those taken back, into the story. Only the serving
// resolver's: shadows do not decide what anybody is shown.
func (w *World) judged(l *leader, e *replica.Judged) {
	v, serving := e.Verdict, w.cfg.Policy.Panel(e.Key).Serving
	if !v.Resolvers.Has(serving) || !v.Retracted && !v.Relation.Lost() {
		return
	}
	ev := trace.Event{At: w.now, Kind: trace.Lost, Where: l.name, Label: w.Label(v.Loser), Other: w.Label(v.Winner), Key: e.Key, Dot: v.Loser}
	ev.Text = explain(serving, v, w.Op(v.Loser), w.Op(v.Winner))
	if v.Retracted {
		ev.Kind = trace.Retracted
	}
	w.Trace.Add(ev)
}

// learn remembers an op and which request it came from.
func (w *World) learn(op *resolve.Op) (news bool) {
	if _, known := w.known[op.Dot]; known {
		return false
	}
	w.ops[op.Dot] = op
	r := merge.Request{Client: op.Client, Number: op.Request}
	w.known[op.Dot] = knownOp{label: w.requests[r].label, request: r, over: op.Parents, kind: op.Kind}
	w.noteDeadline(op)
	return true
}

// rescan tells the oracle what a leader finds on its disk: of its own, ops that
// nobody had heard of, which were persisted before the process died and could
// say so; of others', ops that it applied then.
func (w *World) rescan(l *leader) {
	for _, op := range l.log() {
		if w.learn(op) {
			w.tell(l, op, nil)
		}
		w.seen(l, op.Dot)
	}
}

// log is every op that the leader holds, causes before effects.
func (l *leader) log() []*resolve.Op {
	var ops []*resolve.Op
	for last := range l.pump.State().Frontier.All() {
		for q := logical.Seq(1); q <= last.Seq; q++ {
			if op, ok := l.pump.Reader().Op(logical.Dot{Origin: last.Origin, Seq: q}); ok {
				ops = append(ops, op)
			}
		}
	}
	slices.SortFunc(ops, func(a, b *resolve.Op) int {
		return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), a.Dot.Compare(b.Dot))
	})
	return ops
}

// tell gives the oracle an acceptance; after is what was shown right after, nil if
// the leader died before it could show anything.
func (w *World) tell(l *leader, op *resolve.Op, after *resolve.Reading) {
	if op.Kind == resolve.Touch {
		return
	}
	if op.IsExpiry() {
		w.tellEnd(l, op, after)
		return
	}
	is, asked := w.requests[merge.Request{Client: op.Client, Number: op.Request}]
	if !asked {
		w.fail(fmt.Errorf("%s holds %s of key %q, which no client asked for", l.name, op.Dot, op.Key))
		return
	}
	a := history.Acceptance{Dot: op.Dot, Over: slices.Clone(op.Parents), Delta: op.Delta.Clamp(), Unseen: after == nil}
	if after != nil {
		a.After = w.told(l.name, op.Key, *after)
	}
	w.History.Accepted(w.now, l.name, is.id, a)
}

// seen lets those go on who waited for a leader to have applied an update.
func (w *World) seen(l *leader, d logical.Dot) {
	if w.known[d].kind != resolve.Touch {
		w.History.Applied(w.now, l.name, d)
	}
	w.fire(w.known[d].label, l.name)
}

// fire sets off the triggers that wait for a label at a leader, or for its
// acknowledgement.
func (w *World) fire(label, where string) {
	waiting, later := w.triggers[label], []trigger(nil)
	if len(waiting) == 0 {
		return
	}
	for _, t := range waiting {
		if t.seenBy != where {
			later = append(later, t)
			continue
		}
		t.do()
	}
	w.triggers[label] = later
}

// reply carries an answer to its client, if the path back lets it.
func (w *World) reply(l *leader, r *replica.Reply) {
	a, ok := w.waiting[r.ID]
	if !ok {
		return
	}
	if l.withholds(a.client, r) {
		return
	}
	back := w.link(path{l.name, a.client.name})
	arrivals := back.arrivals(w.now)
	if len(arrivals) == 0 {
		w.Trace.Add(trace.Event{At: w.now, Kind: trace.Missed, Where: l.name, Peer: a.client.name, Label: a.op.Name, Key: a.op.Key})
		return
	}
	answer := *r
	w.at(arrivals[0], func() {
		if _, waits := w.waiting[answer.ID]; waits {
			delete(w.waiting, answer.ID)
			a.client.answered(a.op, &answer)
		}
	})
}

// acked records that a client was told its write is durable.
func (w *World) acked(c *client, op *operation, r *replica.Reply) {
	w.Trace.Add(trace.Event{At: w.now, Kind: trace.Acked, Where: c.name, Peer: op.At, Label: op.Name, Key: op.Key,
		Values: texts(r.Shown.Values), Dot: r.Dot, Dots: r.Shown.Dots})
	if op.Observed() {
		w.History.Acked(w.now, op.ID(), op.At, w.told(op.At, op.Key, r.Shown))
	}
	w.fire(op.Name, "")
}

func (w *World) shown(c *client, op *operation, r *replica.Reply) {
	w.Trace.Add(trace.Event{At: w.now, Kind: trace.Shown, Where: c.name, Peer: op.At, Label: op.Name, Key: op.Key, Values: texts(r.Shown.Values), Dots: r.Shown.Dots})
	w.History.Shown(w.now, history.Read{Request: op.ID(), Client: c.name, Session: c.spec.Session,
		Leader: op.At, Key: op.Key, Reading: w.told(op.At, op.Key, r.Shown)})
}

// disconnect tells everybody who waits for an answer of a leader that the
// connection is gone.
func (w *World) disconnect(name string) {
	for _, id := range w.waitingAt(name) {
		w.waiting[id].client.failed(id, name+" closed the connection")
	}
}

// waitingAt is the attempts that wait for an answer of a leader, ascending.
func (w *World) waitingAt(name string) (ids []uint64) {
	for id, a := range w.waiting {
		if a.op.At == name {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// stuck records which clients never got an answer: one that has no timeout waits
// for ever for a request that the network dropped, and its next operations wait
// behind it.
func (w *World) stuck() {
	for _, s := range w.script.Clients {
		c := w.clients[s.Name]
		if c.doing == nil {
			continue
		}
		text := ""
		if n := len(c.queue); n > 0 {
			text = fmt.Sprintf("%d more of its operations never begin", n)
		}
		w.Trace.Add(trace.Event{At: w.now, Kind: trace.Waiting, Where: c.name, Peer: c.doing.At, Label: c.doing.Name, Key: c.doing.Key, Text: text})
	}
}

// final records what every running leader shows of every key.
func (w *World) final() {
	w.stuck()
	for _, n := range w.names {
		l := w.leaders[n]
		if l.pump == nil || l.halted != nil {
			continue
		}
		r := l.pump.Reader()
		w.Values[n] = map[string][]string{}
		for _, key := range w.script.Keys() {
			got := w.cfg.Policy.Panel(key).Read(r.Object(key), r)
			w.Values[n][key] = append([]string{}, texts(got.Values)...)
			w.Trace.Add(trace.Event{At: w.now, Kind: trace.Final, Where: n, Key: key, Values: texts(got.Values), Dots: got.Dots})
			w.History.Final(n, key, reading(got))
		}
	}
}

// Label names the update behind a dot.
func (w *World) Label(d logical.Dot) string {
	if l := w.known[d].label; l != "" {
		return l
	}
	return d.String()
}

func reading(r resolve.Reading) history.Reading {
	return history.Reading{Dots: slices.Clone(r.Dots), Values: texts(r.Values)}
}

// written is what the key holds for the op's part: what it writes, or, where it states a
// deadline, what that is about.
func (l *leader) written(op *resolve.Op) []string {
	switch op.Kind {
	case resolve.Delete:
		return nil
	case resolve.Touch:
		return texts(l.reads(op.Key).Values)
	}
	return []string{string(op.Value)}
}

func texts(values [][]byte) []string {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

func explain(id resolve.ID, v resolve.Verdict, loser, winner *resolve.Op) string {
	if v.Retracted {
		return "a survivor's author had seen it after all"
	}
	if loser == nil || winner == nil {
		return v.Relation.String()
	}
	return fmt.Sprintf("%s; %s", comparison(id, loser, winner), known(v.Relation))
}

const tied = "equal, so a hash of key and dot decides"

func comparison(id resolve.ID, loser, winner *resolve.Op) string {
	text, equal := "", false
	switch id {
	case resolve.LWW:
		ahead := winner.Wall.Midpoint().Sub(loser.Wall.Midpoint())
		text, equal = fmt.Sprintf("wall clock %s against %s, ", clock(loser.Wall.Midpoint().Time()), clock(winner.Wall.Midpoint().Time())), ahead == 0
		if !equal {
			text += ahead.String() + " ahead"
		}
	case resolve.Interval:
		return fmt.Sprintf("interval ends at %s, the other begins at %s", clock(loser.Wall.Latest.Time()), clock(winner.Wall.Earliest.Time()))
	case resolve.Lamport:
		text, equal = fmt.Sprintf("lamport %d against %d", loser.Lamport, winner.Lamport), loser.Lamport == winner.Lamport
	default:
		text, equal = fmt.Sprintf("hlc %s+%d against %s+%d", clock(time.Unix(0, loser.HLC.Wall).UTC()), loser.HLC.Count,
			clock(time.Unix(0, winner.HLC.Wall).UTC()), winner.HLC.Count), loser.HLC == winner.HLC
	}
	if equal {
		text = strings.TrimSuffix(text, ", ") + ", " + tied
	}
	return text
}

// known says how the two are related.
func known(r resolve.Relation) string {
	if r == resolve.Inverted {
		return "the loser's author had been shown the winner"
	}
	return "no survivor's author had seen it"
}

func clock(t time.Time) string { return t.Format("15:04:05.000000") }
