package observed

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/resolve/blackbox"
	"kvd/scenarios/page"
)

// draw draws what clients did and were told.
func (d *drawing) draw() {
	for _, op := range d.whole {
		if op.Outcome != blackbox.Indeterminate {
			d.end = max(d.end, d.since(op.End))
		}
		d.end = max(d.end, d.since(op.Start))
		d.one(op)
	}
	for i := range d.writes {
		for _, line := range d.g.verdicts[lineOf(&d.writes[i])].Over {
			if p, ok := d.op[line]; ok {
				d.writes[i].Over = append(d.writes[i].Over, p)
			}
		}
	}
	slices.SortStableFunc(d.messages, func(a, b page.Message) int { return int(a.Sent - b.Sent) })
	slices.SortStableFunc(d.readings, func(a, b page.Reading) int { return int(a.At - b.At) })
}

// label names an update by its line in the file.
func label(line int) string { return "line " + strconv.Itoa(line) }

func lineOf(o *page.Op) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(o.Label, "line "))
	return n
}

// one draws an op: the request, what was accepted, and the reply.
func (d *drawing) one(op *blackbox.Op) {
	from, to, sent := d.lane[client(op.Client)], d.lane[node(op.Node)], d.since(op.Start)
	m := page.Message{Kind: page.Request, From: from, To: to, Op: page.None, Sent: sent, Arrives: page.Never, Applied: page.Never, Words: asks(op)}
	if op.Outcome == blackbox.Indeterminate {
		m.Words += " (no reply)"
		if _, done := d.g.verdicts[op.Line]; done && op.Verb != blackbox.Get {
			m.Op, m.Arrives = d.write(op, sent, page.Never), sent
		}
		d.messages = append(d.messages, m)
		return
	}
	end := d.since(op.End)
	middle := sent + (end-sent)/2
	m.Arrives = middle
	reply := page.Message{Kind: page.Reply, From: to, To: from, Op: page.None, Sent: middle, Arrives: end, Applied: page.Never, Words: answers(op)}
	switch {
	case op.Outcome == blackbox.Failed:
	case op.Verb == blackbox.Get:
		d.reading(op, to, end)
	default:
		m.Op = d.write(op, middle, end)
		reply.Op = m.Op
	}
	d.messages = append(d.messages, m, reply)
}

func (d *drawing) write(op *blackbox.Op, at, acked time.Duration) int {
	o := page.Op{
		Label: label(op.Line), Key: d.key[op.Key], Client: d.lane[client(op.Client)], Leader: d.lane[node(op.Node)], At: at, Acked: acked,
		Words: asks(op), Value: page.Shorten(writes(op)), Delete: op.Verb == blackbox.Del,
	}
	if op.Stamp != 0 {
		o.Stamped, o.Earliest, o.Latest = page.Wall, d.since(op.Stamp), d.since(op.Stamp)
	}
	d.op[op.Line] = len(d.writes)
	d.writes = append(d.writes, o)
	if acked != page.Never && op.Verb != blackbox.Add && (op.Verb != blackbox.Incr || op.Read.Known) {
		d.readings = append(d.readings, page.Reading{At: at, Lane: o.Leader, Key: o.Key, Ops: []int{len(d.writes) - 1}})
	}
	return len(d.writes) - 1
}

// reading is what a node showed, in words: which writes are behind it the history does not say.
func (d *drawing) reading(op *blackbox.Op, lane int, at time.Duration) {
	d.readings = append(d.readings, page.Reading{At: at, Lane: lane, Key: d.key[op.Key], Text: shown(op.Read.Values)})
}

func asks(op *blackbox.Op) string {
	words := op.Verb.String() + " " + op.Key
	switch op.Verb {
	case blackbox.Get, blackbox.Del:
	case blackbox.Incr:
		words += fmt.Sprintf(" %+d", op.Delta)
	default:
		words += " " + page.Shorten(op.Value)
	}
	return words
}

// answers is a reply in words.
func answers(op *blackbox.Op) string {
	switch {
	case op.Outcome == blackbox.Failed:
		return "no"
	case op.Read.Known:
		return shown(op.Read.Values)
	}
	return "done ✓"
}

// writes is the value that an update leaves, as far as it is known.
func writes(op *blackbox.Op) string {
	if op.Verb != blackbox.Incr {
		return op.Value
	}
	if op.Read.Known && len(op.Read.Values) == 1 {
		return op.Read.Values[0]
	}
	return fmt.Sprintf("%+d", op.Delta)
}

// shown is values as a pane writes them.
func shown(values []string) string {
	if len(values) == 0 {
		return "absent"
	}
	return page.Shorten(strings.Join(values, ","))
}
