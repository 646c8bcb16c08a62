package played

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"kvd/logical"
	"kvd/scenarios"
	"kvd/scenarios/history"
	"kvd/scenarios/page"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
)

// run gathers one run of a story from the result's trace.
type run struct {
	script *script.Scenario
	result *scenarios.Result
	page.Run

	lane    map[string]int
	key     map[string]int
	op      map[logical.Dot]int
	labels  map[string]int // the first op of each update
	asked   map[way]int    // the last request of an update to a leader, by message
	shipped map[way]int    // the last message of an update on its way, by message
	beaten  map[string]verdict
	shows   map[shown]page.Reading // the last reading
	bands   bands
}

// way is an update on its way to a lane, from a lane.
type way struct {
	label    string
	from, to int
}

type shown struct{ lane, key int }

// verdict is a leader preferring another update.
type verdict struct {
	at   time.Duration
	lane int
	by   string // label
	why  string
}

func newRun(s *script.Scenario, st *page.Story, r *scenarios.Result) *run {
	b := &run{
		script: s, result: r, lane: map[string]int{}, key: map[string]int{}, op: map[logical.Dot]int{}, labels: map[string]int{},
		asked: map[way]int{}, shipped: map[way]int{}, beaten: map[string]verdict{}, shows: map[shown]page.Reading{},
		Run: page.Run{Name: r.Resolver, Counts: counts(r), End: r.Virtual, Promises: promises(r)},
	}
	for i, l := range st.Lanes {
		b.lane[l.Name] = i
	}
	for i, k := range st.Keys {
		b.key[k] = i
	}
	b.bands = newBands(s, b.lane)
	return b
}

func (b *run) build() page.Run {
	b.ops()
	for e := range b.result.Trace.All() {
		b.event(e)
	}
	b.Bands = b.bands.all(b.End)
	b.drop()
	b.losses()
	b.clocks()
	slices.SortStableFunc(b.Messages, func(m, n page.Message) int { return cmp.Compare(m.Sent, n.Sent) })
	slices.SortStableFunc(b.Readings, func(m, n page.Reading) int { return cmp.Compare(m.At, n.At) })
	return b.Run
}

// ops lists what the history knows of every op. The trace adds stamps and values to those
// whose acceptance somebody saw.
func (b *run) ops() {
	type accepted struct {
		call *history.Call
		*history.AcceptanceAt
	}
	var all []accepted
	h := b.result.History
	for _, q := range h.Updates {
		for i := range q.Acceptances {
			all = append(all, accepted{q, &q.Acceptances[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b accepted) int { return cmp.Compare(a.When.Turn, b.When.Turn) })
	for i, a := range all {
		b.op[a.Dot] = i
		if _, again := b.labels[a.call.Name()]; !again {
			b.labels[a.call.Name()] = i
		}
	}
	for _, a := range all {
		q, over := a.call, a.Over
		if q.Exact {
			over = q.Shown
		}
		b.Ops = append(b.Ops, page.Op{
			Label: q.Name(), Dot: a.Dot.String(), Key: b.key[q.Key], Client: b.lane[q.Client], Leader: b.lane[h.Leaders.List[a.Leader]],
			At: a.When.At, Acked: page.Never, Words: string(q.Verb) + " " + q.Key, Value: page.Shorten(q.Value), Delete: q.Verb == script.OpDelete,
			Over: b.known(over),
		})
	}
}

// known is the ops behind dots.
func (b *run) known(dots []logical.Dot) (ops []int) {
	for _, d := range dots {
		if i, ok := b.op[d]; ok {
			ops = append(ops, i)
		}
	}
	return ops
}

func (b *run) event(e trace.Event) {
	at, where, peer := e.At, b.lane[e.Where], b.lane[e.Peer]
	switch e.Kind {
	case trace.Fault:
		b.bands.fault(at, e.Text)
	case trace.Sent:
		b.asked[way{e.Label, where, peer}] = len(b.Messages)
		b.Messages = append(b.Messages, page.Message{Kind: page.Request, From: where, To: peer, Op: page.None, Sent: at, Arrives: page.Never, Applied: page.Never, Words: strings.TrimPrefix(strings.TrimSuffix(e.Text, " as "+e.Label), e.Where+" ")})
	case trace.Accepted:
		b.accepted(e, where)
	case trace.Acked:
		b.acked(e, where, peer)
	case trace.Shown:
		b.reply(e, where, peer, at, e.Key+" = "+words(e.Values))
	case trace.Failed:
		b.failed(e, where, peer)
	case trace.Missed:
		b.missed(e, where, peer)
	case trace.Shipped:
		b.ship(e, where, peer, cmp.Or(e.Arrives, page.Never))
	case trace.Applied:
		b.applied(e, where, peer)
	case trace.Started:
		b.reading(e, where)
	case trace.Lost:
		if _, known := b.beaten[e.Label]; !known {
			b.beaten[e.Label] = verdict{at, where, e.Other, e.Text}
		}
	case trace.Retracted:
		delete(b.beaten, e.Label)
	case trace.Moved:
		b.bands.event(at, "moves to "+e.Peer, where)
	case trace.Granted:
		if e.Where != "" {
			b.bands.event(at, e.Text, where)
		}
	case trace.Waiting:
		b.Notes = append(b.Notes, strings.TrimSuffix(e.Where+" still waits in the end for "+e.Peer+" to answer "+e.Label+"; "+e.Text, "; "))
	case trace.Final:
		b.final(e, where)
	}
}

// accepted adds what only the trace knows of an op, and lets its request arrive.
func (b *run) accepted(e trace.Event, leader int) {
	i, ok := b.op[e.Dot]
	if !ok {
		return
	}
	o := &b.Ops[i]
	o.Stamped, o.Earliest, o.Latest = page.Wall, e.Clock.Earliest.Sub(world.Instant(0)), e.Clock.Latest.Sub(world.Instant(0))
	if e.Lamport > 0 {
		o.Stamped |= page.Logical
		o.HLCWall, o.HLCCount, o.Lamport = time.Duration(e.HLC.Wall-int64(world.Instant(0))), e.HLC.Count, uint64(e.Lamport)
	}
	if len(e.Values) > 0 {
		o.Value = page.Shorten(e.Values[0])
	}
	if m := b.request(e.Label, o.Client, leader, e.At); m != nil {
		m.Op = i
		o.Words = m.Words
	}
	b.reading(e, leader)
}

// request is the last request of an update to a leader, which has arrived by at. Nothing
// delays requests in the simulation; among real leaders nobody sees when they arrive.
func (b *run) request(label string, client, leader int, at time.Duration) *page.Message {
	i, ok := b.asked[way{label, client, leader}]
	if !ok {
		return nil
	}
	m := &b.Messages[i]
	if m.Arrives == page.Never {
		if m.Arrives = m.Sent; b.result.Live {
			m.Arrives = at
		}
	}
	return m
}

func (b *run) acked(e trace.Event, client, leader int) {
	sent := e.At
	if i, ok := b.op[e.Dot]; ok {
		if o := &b.Ops[i]; o.Acked == page.Never {
			o.Acked = e.At
		}
		if o := &b.Ops[i]; o.Leader == leader && b.result.Live {
			sent = o.At
		}
	}
	b.reply(e, client, leader, sent, "durable ✓")
}

func (b *run) reply(e trace.Event, client, leader int, sent time.Duration, text string) {
	op := page.None
	if m := b.request(e.Label, client, leader, sent); m != nil {
		op = m.Op
	}
	b.Messages = append(b.Messages, page.Message{Kind: page.Reply, From: leader, To: client, Op: op, Sent: sent, Arrives: e.At, Applied: page.Never, Words: text})
}

// failed is a client being told no. Nothing goes over a link when somebody gives up, or
// when a connection is refused.
func (b *run) failed(e trace.Event, client, leader int) {
	if strings.HasPrefix(e.Text, "no answer") || strings.Contains(e.Text, "connection") {
		b.bands.event(e.At, e.Label+": "+e.Text, client)
		return
	}
	b.reply(e, client, leader, e.At, e.Text)
}

func (b *run) missed(e trace.Event, from, to int) {
	if _, client := b.asked[way{e.Label, to, from}]; !client {
		b.ship(e, from, to, page.Never)
		return
	}
	m := b.request(e.Label, to, from, e.At)
	b.Messages = append(b.Messages, page.Message{Kind: page.Reply, From: from, To: to, Op: m.Op, Sent: e.At, Arrives: page.Never, Applied: page.Never, Words: "durable ✓"})
}

func (b *run) ship(e trace.Event, from, to int, arrives time.Duration) {
	b.shipped[way{e.Label, from, to}] = len(b.Messages)
	b.Messages = append(b.Messages, page.Message{Kind: page.Ship, From: from, To: to, Op: b.labelled(e.Label), Sent: e.At, Arrives: arrives, Applied: page.Never, Again: e.Again})
}

func (b *run) labelled(label string) int {
	if i, ok := b.labels[label]; ok {
		return i
	}
	return page.None
}

func (b *run) applied(e trace.Event, to, from int) {
	op, ok := b.op[e.Dot]
	if !ok {
		return
	}
	i, seen := b.shipped[way{e.Label, from, to}]
	if !seen {
		i = len(b.Messages)
		b.Messages = append(b.Messages, page.Message{Kind: page.Ship, From: from, To: to, Sent: min(b.Ops[op].At, e.At), Arrives: e.At, Guessed: true})
	}
	m := &b.Messages[i]
	m.Op, m.Applied = op, e.At
	b.reading(e, to)
}
