package report

import (
	"fmt"
	"strings"
	"time"

	"kvd/scenarios/trace"
)

// entry is one line of a picture or an explanation: something that happened, in words,
// and what of it can be drawn.
type entry struct {
	at       time.Duration
	kind     trace.Kind
	from, to string // a message; from empty: something on the line of to
	label    string // the update
	other    string // Lost: what beat it
	key      string
	arrow    string // what is written on the arrow
	sign     rune   // what is drawn at its end
	dropped  bool
	who      string // whose doing it is
	words    string // what who does
	again    bool   // Lost: the same loss, at one more leader
}

// reader turns a trace into entries; it remembers what makes sense of later
// events.
type reader struct {
	asked    map[string]trace.Event // by label: the client's last request
	shipped  map[string]shipment    // by route, until it is applied
	accepted map[string]trace.Event // by label
	acked    map[string]time.Duration
	lost     map[string]bool
}

// shipment is when something was sent, and when for the last time if it was in vain.
type shipment struct{ at, until time.Duration }

func newReader() *reader {
	return &reader{
		asked: map[string]trace.Event{}, shipped: map[string]shipment{}, accepted: map[string]trace.Event{},
		acked: map[string]time.Duration{}, lost: map[string]bool{},
	}
}

// entries is the trace as far as it can be drawn or put into words. What leaders show in
// the end is not part of it.
func entries(t *trace.Trace) []entry {
	n := 0
	for e := range t.All() {
		if e.Kind != trace.Sent && e.Kind != trace.Shipped && e.Kind != trace.Final && e.Kind != trace.Started {
			n++
		}
	}
	r, all := newReader(), make([]entry, 0, n) // of a long run they take more than all else
	for e := range t.All() {
		if b, ok := r.read(e); ok {
			all = append(all, b)
		}
	}
	return all
}

// read is the entry of one event, and whether it can be drawn. Requests and shipments
// cannot: what becomes of them can.
func (r *reader) read(e trace.Event) (entry, bool) {
	b := entry{at: e.At, kind: e.Kind, to: e.Where, who: e.Where, label: e.Label, other: e.Other, key: e.Key, arrow: e.Label}
	switch e.Kind {
	case trace.Sent:
		r.asked[e.Label] = e
		b.words = fmt.Sprintf("asks %s: %s", e.Peer, e.Text)
		return b, false
	case trace.Shipped:
		r.shipped[route(e.Where, e.Peer, e.Label)] = shipment{e.At, e.Until}
		b.words = fmt.Sprintf("ships %s to %s%s", e.Label, e.Peer, repeated(e))
		return b, false
	case trace.Fault:
		b.to, b.who, b.words = "", "", "fault: "+e.Text
	case trace.Accepted:
		r.acceptance(e, &b)
	case trace.Acked:
		r.acked[e.Label] = e.At
		b.from, b.arrow, b.sign = e.Peer, "✓ "+e.Label, '│'
		b.words = fmt.Sprintf("is told %sthat %s is durable ✓%s", r.informant(e), e.Label, r.waited(e))
	case trace.Failed:
		b.from, b.to, b.sign, b.dropped = e.Where, e.Peer, '│', true
		b.words = fmt.Sprintf("has no yes for %s: %s", r.intent(e.Label), e.Text)
		if strings.HasPrefix(e.Text, "no answer") { // nothing goes over the wire when somebody gives up
			b.from, b.to, b.sign, b.dropped = "", e.Where, '╳', false
		}
	case trace.Moved:
		b.sign, b.words = '◇', "moves to "+e.Peer
	case trace.Waiting:
		b.sign, b.words = '?', fmt.Sprintf("still waits in the end for %s to answer %s", e.Peer, r.intent(e.Label))
		if e.Text != "" {
			b.words += "; " + e.Text
		}
	case trace.Shown:
		b.from, b.arrow, b.sign = e.Peer, shown(e.Values, 8), '│'
		b.words = fmt.Sprintf("is shown %s = %s by %s%s", e.Key, shown(e.Values, 24), e.Peer, r.waited(e))
	case trace.Granted:
		b.sign, b.arrow, b.words = '◇', "", e.Text
	case trace.Missed:
		b.from, b.to, b.sign, b.dropped = e.Where, e.Peer, '│', true
		b.words = fmt.Sprintf("sends %s to %s, and it is dropped%s", e.Label, e.Peer, repeated(e))
	case trace.Applied:
		r.application(e, &b)
	case trace.Lost, trace.Retracted:
		r.loss(e, &b)
	case trace.Started:
		b.words = fmt.Sprintf("has started, and shows what %s of %s wrote", count(len(e.After), "op"), e.Key)
		return b, false
	case trace.Final:
		b.words = fmt.Sprintf("in the end shows %s = %s", e.Key, shown(e.Values, 60))
		return b, false
	}
	return b, true
}

// informant names the leader that answered, unless it is the one that accepted.
func (r *reader) informant(e trace.Event) string {
	if a, ok := r.accepted[e.Label]; !ok || a.Where == e.Peer {
		return ""
	}
	return "by " + e.Peer + " "
}

// waited is how long the client waited for an answer, if it had to.
func (r *reader) waited(e trace.Event) string {
	asked, ok := r.asked[e.Label]
	if !ok || e.At <= asked.At {
		return ""
	}
	return ", after " + span(e.At-asked.At)
}

func (r *reader) acceptance(e trace.Event, b *entry) {
	r.accepted[e.Label] = e
	b.from, b.sign = r.asked[e.Label].Where, '●'
	result := ""
	if !strings.Contains(r.asked[e.Label].Text, " set ") {
		result = fmt.Sprintf(", so %s = %s", e.Key, shown(e.Values, 24))
	}
	b.words = fmt.Sprintf("accepts %s%s; its clock shows %s", r.intent(e.Label), result, clock(e.Clock))
}

func (r *reader) application(e trace.Event, b *entry) {
	b.from, b.sign = e.Peer, '●'
	b.words = "applies " + e.Label
	way := route(e.Peer, e.Where, e.Label)
	if s, ok := r.shipped[way]; ok {
		if s.until > s.at && s.until <= e.At {
			s.at = s.until
		}
		b.words += fmt.Sprintf(", %s on its way", span(e.At-s.at))
		delete(r.shipped, way)
	}
}

// repeated says how often the same message went again in vain.
func repeated(e trace.Event) string {
	if e.Again == 0 {
		return ""
	}
	return fmt.Sprintf(", and %s more until %s", count(e.Again, "time"), trueTime(e.Until))
}

func (r *reader) loss(e trace.Event, b *entry) {
	b.sign, b.words = '✗', fmt.Sprintf("%s is lost to %s: %s", e.Label, e.Other, e.Text)
	if e.Kind == trace.Retracted {
		delete(r.lost, e.Label)
		b.sign, b.words = '↺', fmt.Sprintf("%s is not lost: %s", e.Label, e.Text)
		return
	}
	if b.again = r.lost[e.Label]; b.again {
		b.words = fmt.Sprintf("%s is lost here too", e.Label)
	}
	r.lost[e.Label] = true
}

// intent is what the client wanted, as the script says it.
func (r *reader) intent(label string) string {
	e, ok := r.asked[label]
	if !ok {
		return label
	}
	return fmt.Sprintf("%s (%s)", label, begin(strings.TrimSuffix(e.Text, " as "+label), 60))
}

func route(from, to, label string) string { return from + "\x00" + to + "\x00" + label }
