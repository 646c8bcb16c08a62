package script

import (
	"fmt"
	"strings"

	"kvd/scenarios/script/internal/spell"
)

func (p *parser) action(r *reader, t Trigger) Action {
	w := r.next()
	if client, ok := p.clients[w.raw]; ok {
		return p.operation(r, client, t)
	}
	row, _ := p.row(w.raw)
	if row.act == nil {
		r.failName(w, append(sortedKeys(p.clients), p.verbsAt(SetUpOrTimed, Timed)...))
		return nil
	}
	return row.act(p, r)
}

func (p *parser) leader(r *reader) string {
	w := r.next()
	p.checkLeader(r, w)
	return w.raw
}

func (p *parser) checkLeader(r *reader, w word, others ...string) {
	if len(p.leaderNames) == 0 {
		r.failOnce(w, "a leader", "the leaders line stands above the lines that name them")
	}
	r.checkChoice(w, append(others, p.scenario.Leaders...))
}

func (p *parser) clock(r *reader) Action {
	leader := r.next()
	p.checkLeader(r, leader, AllLeaders)
	f := ClockFault{Leader: leader.raw}
	first := r.peek()
	r.options(reading{least: 1},
		keyed("offset", func(w word) { f.Offset = Some(r.duration(w, signedSpan())) }),
		keyed("drift", func(w word) { f.DriftPPM = Some(r.drift(w)); p.steady(r, w, f.DriftPPM.Value) }),
		keyed("error", func(w word) { f.Error = Some(r.duration(w, anySpan())) }),
		keyed("step", func(w word) { f.Step = Some(r.duration(w, signedSpan())); p.asynchrony(r, w, "clock step") }),
		keyed("freeze", func(w word) { f.Freeze = Some(r.duration(w, positiveSpan())); p.asynchrony(r, w, "clock freeze") }),
		keyed("strobe", func(w word) { f.Strobe = Some(r.strobe(w)); p.asynchrony(r, w, "clock strobe") }))
	p.claim(r, first, f)
	return f
}

func (p *parser) link(r *reader) Action {
	var f LinkFault
	if w := r.next(); w.raw != AllLeaders {
		f.Path = p.linkPath(r, w)
	}
	r.options(reading{least: 1},
		keyed("delay", func(w word) { f.Delay = Some(r.duration(w, anySpan())) }),
		keyed("jitter", func(w word) { f.Jitter = Some(r.duration(w, anySpan())) }),
		keyed("loss", func(w word) {
			if f.Loss = Some(r.rate(w)); f.Loss.Value > 0 {
				p.asynchrony(r, w, "loss")
			}
		}),
		keyed("duplicate", func(w word) { f.Duplicate = Some(r.rate(w)) }),
		keyed("reorder", func(w word) { f.Reorder = Some(r.rate(w)) }))
	return f
}

func (p *parser) linkPath(r *reader, w word) Path {
	from, to, ok := halves(w, ">")
	if !ok {
		r.fail(w, "N1>N2 or *", "")
		return Path{}
	}
	p.checkLeader(r, from)
	p.checkLeader(r, to)
	if from.raw == to.raw {
		r.fail(to, "another leader", "")
	}
	return Path{From: from.raw, To: to.raw}
}

// path reads N1>N2, or A>N for a client's requests, or A<N for its replies.
func (p *parser) path(r *reader, w word) Path {
	if client, leader, ok := halves(w, "<"); ok {
		r.checkChoice(client, sortedKeys(p.clients))
		p.checkLeader(r, leader)
		return Path{From: leader.raw, To: client.raw, Reply: true}
	}
	from, to, ok := halves(w, ">")
	if !ok {
		r.fail(w, "N1>N2, A>N or A<N", "")
		return Path{}
	}
	if _, client := p.clients[from.raw]; client {
		p.checkLeader(r, to)
		return Path{From: from.raw, To: to.raw}
	}
	return p.linkPath(r, w)
}

// halves splits a word at a sign, each half with its own column.
func halves(w word, sign string) (left, right word, ok bool) {
	a, b, ok := strings.Cut(w.raw, sign)
	left = word{raw: a, text: a, column: w.column}
	right = word{raw: b, text: b, column: w.column + len(a) + len(sign)}
	return left, right, ok && !w.quoted
}

func (p *parser) partition(r *reader) Action {
	p.asynchronyHere(r, "partition")
	sides := [][]string{nil}
	in := map[string]bool{}
	for r.more() {
		w := r.next()
		last := len(sides) - 1
		if w.raw == "|" && len(sides[last]) > 0 {
			sides = append(sides, nil)
			continue
		}
		p.checkLeader(r, w)
		if in[w.raw] {
			r.fail(w, "each leader on one side", "")
		}
		in[w.raw] = true
		sides[last] = append(sides[last], w.raw)
	}
	if len(sides) < 2 || len(sides[len(sides)-1]) == 0 {
		r.fail(r.peek(), "N1 | N2 ...: at least two sides with a leader each", "")
	}
	return Partition{sides}
}

func (p *parser) cut(r *reader) Action {
	p.asynchronyHere(r, "cut")
	return Cut{p.path(r, r.next())}
}

func (p *parser) heal(r *reader) Action {
	if !r.more() {
		return Heal{}
	}
	return Heal{p.path(r, r.next())}
}

func (p *parser) pause(r *reader) Action {
	p.asynchronyHere(r, "pause")
	return Pause{p.leader(r), r.duration(r.next(), positiveSpan())}
}

func (p *parser) crash(r *reader) Action {
	c := Crash{Leader: p.leader(r)}
	r.options(reading{}, keyed("unsynced", func(w word) { c.Unsynced = choice(r, w, UnsyncedKeep, UnsyncedLose, UnsyncedTorn) }))
	return c
}

func (p *parser) restart(r *reader) Action {
	p.recovery(r, "restart")
	return Restart{p.leader(r)}
}

func (p *parser) wipe(r *reader) Action {
	p.recovery(r, "wipe")
	return Wipe{p.leader(r)}
}

func (p *parser) backup(r *reader) Action {
	p.recovery(r, "backup")
	b := Backup{Leader: p.leader(r)}
	r.literal("as", "backup N as B")
	w := r.name("a backup's name")
	if p.backups[w.raw] {
		r.fail(w, "a name that no backup has yet", "")
	}
	p.backups[w.raw] = true
	b.Name = w.raw
	return b
}

func (p *parser) restore(r *reader) Action {
	p.recovery(r, "restore")
	b := Restore{Leader: p.leader(r)}
	r.literal("from", "restore N from B")
	w := r.next()
	if !p.backups[w.raw] {
		r.fail(w, "a backup taken on an earlier line", spell.DidYouMean(w.raw, sortedKeys(p.backups)))
	}
	b.Name = w.raw
	return b
}

func (p *parser) cloneDisk(r *reader) Action {
	p.recovery(r, "clone")
	c := Clone{From: p.leader(r)}
	r.literal("to", "clone N1 to N2")
	w := r.next()
	p.checkLeader(r, w)
	if w.raw == c.From {
		r.fail(w, "another leader", "")
	}
	c.To = w.raw
	return c
}

func (p *parser) disk(r *reader) Action {
	p.recovery(r, "disk")
	return DiskFault{p.leader(r), choice(r, r.next(), DiskFull, DiskBroken, DiskOK)}
}

func (p *parser) rot(r *reader) Action {
	p.recovery(r, "rot")
	return Rot{p.leader(r)}
}

func (p *parser) forget(r *reader) Action {
	p.recovery(r, "forget")
	return Forget{p.leader(r)}
}

func (p *parser) known(r *reader, w word) string {
	if _, ok := p.labels[w.raw]; !ok {
		r.fail(w, "the label of an operation on an earlier line", spell.DidYouMean(w.raw, sortedKeys(p.labels)))
	}
	return w.raw
}

// visibleLabel refuses a label whose operation leaves nothing to be seen.
func (p *parser) visibleLabel(r *reader, w word) {
	if l, ok := p.labels[w.raw]; ok && !l.op.Writes() {
		r.fail(w, "the label of a write", string(l.op.Kind)+" leaves nothing another leader could see")
	}
}

// define makes a label known to the lines below.
func (p *parser) define(r *reader, op ClientOp, t Trigger, w word) {
	if _, ok := p.labels[w.raw]; ok {
		r.fail(w, "a label that no operation has yet", "")
	}
	if e, ok := t.(Every); ok && e.Times != 1 {
		r.fail(w, "no label on something that happens "+fmt.Sprint(e.Times)+" times", "labels name one operation: times=1")
	}
	p.labels[w.raw] = label{op, p.earliest(t)}
}

func (p *parser) operation(r *reader, c Client, t Trigger) Action {
	verb := r.next()
	row, _ := p.row(verb.raw)
	if row.operate == nil {
		r.failName(verb, p.verbsAt(Operation))
		return nil
	}
	op := ClientOp{Client: c.Name, Kind: OpKind(row.Name)}
	row.operate(p, r, &op)
	as := p.tail(r, &op)
	p.whole(r, &op, verb)
	if op.Retry != "" && op.Timeout == 0 && c.Timeout == 0 {
		r.fail(verb, "a timeout with retry", "nothing is retried by a client that waits for ever")
	}
	if op.Label != "" {
		p.define(r, op, t, as)
	}
	return op
}

func (p *parser) keyed(r *reader, op *ClientOp) { op.Key = r.key() }

func (p *parser) set(r *reader, op *ClientOp) {
	op.Key = r.key()
	op.Value = r.value()
}

func (p *parser) incr(r *reader, op *ClientOp) {
	op.Key = r.key()
	op.Amount = 1
}

func (p *parser) expire(r *reader, op *ClientOp) {
	op.Key = r.key()
	op.TTL = r.duration(r.next(), positiveSpan())
}

func (p *parser) update(r *reader, op *ClientOp) {
	op.Key = r.key()
	w := r.peek()
	if !strings.HasPrefix(w.raw, "+") && !strings.HasPrefix(w.raw, "-") {
		r.fail(w, "+N or -N", "")
	}
	op.Amount = r.amount(r.next())
}

func (p *parser) appendElement(r *reader, op *ClientOp) {
	op.Key = r.key()
	w := r.peek()
	op.Value = r.content("an element", 1, maxValueBytes)
	if strings.Contains(op.Value, ",") {
		r.fail(w, "an element without commas", "commas separate the elements of a set")
	}
}

func (p *parser) goTo(r *reader, op *ClientOp) { op.Leader = p.leader(r) }
