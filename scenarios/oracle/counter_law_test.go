package oracle_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"

	"pgregory.net/rapid"
)

// plain is the dumb twin of the oracle for counters: sets of ops, and sums of them.
type plain struct {
	story   *story
	ops     []*plainOp
	verbs   []script.OpKind // by request
	asked   []int64         // by request: what an increment asks to add
	wrong   []string        // readings that are not what they must be, by time
	excess  map[string]time.Duration
	readers int
}

// plainOp is one acceptance of a request.
type plainOp struct {
	dot        logical.Dot
	key        string
	request    int
	delta      int64
	seen, gone map[*plainOp]bool
}

// of is what a reading of the ops has seen, and what of it was deleted.
func (p *plain) of(ops []*plainOp) (seen, gone map[*plainOp]bool) {
	seen, gone = map[*plainOp]bool{}, map[*plainOp]bool{}
	for _, o := range ops {
		for s := range o.seen {
			seen[s] = true
		}
		for s := range o.gone {
			gone[s] = true
		}
	}
	return seen, gone
}

// value is what a reading of the ops must show: what each request that was seen adds,
// once, unless some of it was deleted. Nothing, if all was.
func (p *plain) value(ops []*plainOp) []string {
	seen, gone := p.of(ops)
	live, sum := false, int64(0)
	for r := range p.verbs {
		var least *plainOp
		taken := false
		for _, o := range p.ops {
			if o.request != r || !seen[o] || p.verbs[r] == script.OpDelete {
				continue
			}
			taken, live = taken || gone[o], live || !gone[o]
			if least == nil || o.dot.Compare(least.dot) < 0 {
				least = o
			}
		}
		if least != nil && !taken {
			sum += least.delta
		}
	}
	if !live {
		return nil
	}
	return []string{strconv.FormatInt(sum, 10)}
}

// most is the most that the key can hold: what each request added at best.
func (p *plain) most(key string) (sum int64) {
	for r := range p.verbs {
		var best int64
		for _, o := range p.ops {
			if o.request == r && o.key == key && p.verbs[r] != script.OpDelete {
				best = max(best, o.delta)
			}
		}
		sum += best
	}
	return sum
}

// some draws a few of the key's ops.
func (p *plain) some(t *rapid.T, key string) (ops []*plainOp) {
	for _, o := range p.ops {
		if o.key == key && rapid.IntRange(0, 2).Draw(t, "in") == 0 {
			ops = append(ops, o)
		}
	}
	return ops
}

func dotsOf(ops []*plainOp) (ds []logical.Dot) {
	for _, o := range ops {
		ds = append(ds, o.dot)
	}
	return ds
}

// reading is what a leader shows of a few ops: now and then something else than it must.
func (p *plain) reading(t *rapid.T, key string, at time.Duration) history.Reading {
	ops := p.some(t, key)
	want := p.value(ops)
	r := history.Reading{Dots: dotsOf(ops), Values: want}
	if rapid.IntRange(0, 3).Draw(t, "wrong") == 0 {
		r.Values = rapid.SampledFrom([][]string{nil, {"0"}, {"7"}, {"25"}, {"much"}, {"99999999999999999999"}}).Draw(t, "shows")
	}
	if !slices.Equal(r.Values, want) {
		p.wrong = append(p.wrong, fmt.Sprint(at))
	}
	return r
}

// told notes the first reading that reaches a client with more than there can be.
func (p *plain) told(key string, r history.Reading) {
	if n, err := strconv.ParseInt(append(r.Values, "none")[0], 10, 64); err == nil && n > p.most(key) && p.excess[key] == 0 {
		p.excess[key] = p.story.now
	}
}

// accept makes a request an op of some origin, over a few others, and their total.
func (p *plain) accept(t *rapid.T, key string, request int) {
	origin := rapid.Uint64Range(1, 3).Draw(t, "origin")
	o := &plainOp{dot: d(origin, uint64(len(p.ops)+1)), key: key, request: request, delta: p.asked[request]}
	if p.verbs[request] == script.OpSet {
		o.delta = rapid.Int64Range(-3, 9).Draw(t, "adds")
	}
	over := p.some(t, key)
	upon := slices.Clone(over)
	for _, before := range slices.Backward(p.ops) {
		if p.verbs[request] != script.OpDelete && p.verbs[before.request] != script.OpDelete && before.key == key && before.dot.Origin == o.dot.Origin {
			upon = append(upon, before)
			break
		}
	}
	o.seen, o.gone = p.of(upon)
	if p.verbs[request] == script.OpDelete {
		for s := range o.seen {
			o.gone[s] = true
		}
	}
	o.seen[o] = true
	p.ops = append(p.ops, o)
	at := p.story.tick()
	a := history.Acceptance{Dot: o.dot, Over: dotsOf(over), Delta: o.delta, After: p.reading(t, key, at)}
	p.story.h.Accepted(at, fmt.Sprintf("n%d", origin), fmt.Sprintf("r%02d", request), a)
}

func (p *plain) step(t *rapid.T) {
	key := rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t, "key")
	if rapid.IntRange(0, 2).Draw(t, "read") == 0 {
		p.readers++ // each by another client: this is not about sessions
		r := p.reading(t, key, p.story.tick())
		p.story.h.Shown(p.story.now, history.Read{Client: fmt.Sprintf("R%d", p.readers), Leader: "n1", Key: key, Reading: r})
		p.told(key, r)
		return
	}
	request := len(p.verbs)
	p.verbs = append(p.verbs, rapid.SampledFrom([]script.OpKind{script.OpIncr, script.OpIncr, script.OpSet, script.OpDelete}).Draw(t, "verb"))
	p.asked = append(p.asked, 0)
	if p.verbs[request] == script.OpIncr {
		p.asked[request] = rapid.Int64Range(-3, 9).Draw(t, "delta")
	}
	p.story.h.Sent(p.story.tick(), history.Request{ID: fmt.Sprintf("r%02d", request), Client: "W", Leader: "n1", Key: key, Verb: p.verbs[request], Value: "text", Delta: p.asked[request], Valued: true})
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "acceptances") {
		p.accept(t, key, request)
	}
	if rapid.IntRange(0, 3).Draw(t, "reply") > 0 {
		r := p.reading(t, key, p.story.tick())
		p.story.h.Acked(p.story.now, fmt.Sprintf("r%02d", request), "n1", r)
		p.told(key, r)
	}
}

// TestCountersAgreeWithTheLongWay: of all readings of counters exactly those that show
// another number than their dots come to are objected to, and the first that shows more
// than there can be is found. A final reading of everything is accounted for.
func TestCountersAgreeWithTheLongWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			p := &plain{story: tell(), excess: map[string]time.Duration{}}
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				p.step(t)
			}
			for _, key := range []string{"x", "y"} {
				all := slices.DeleteFunc(slices.Clone(p.ops), func(o *plainOp) bool { return o.key != key })
				p.story.h.Final("n1", key, history.Reading{Dots: dotsOf(all), Values: p.value(all)})
			}
			v := judge(p.story.h, "counter")
			p.compare(t, v)
		}
	})
}

func (p *plain) compare(t *rapid.T, v *oracle.Judgement) {
	var got []string
	for _, c := range v.Contradictions {
		if c.Kind != history.Misshown {
			t.Fatalf("contradiction (%s) at %s: %s", c.Kind, c.At, c.Why)
		}
		got = append(got, fmt.Sprint(c.At))
	}
	if !slices.Equal(got, p.wrong) {
		t.Fatalf("wrong readings at %q, the long way at %q", got, p.wrong)
	}
	if v.Lost > 0 || v.Overcounted > 0 {
		t.Fatalf("all is there: %+v, losses %+v", v.Stats, v.Losses)
	}
	for _, key := range []string{"x", "y"} {
		if held, at, why := v.CheckNoOvercount(key); held != (p.excess[key] == 0) || at != p.excess[key] {
			t.Fatalf("%s: more than there can be at %s (%s), the long way at %s", key, at, why, p.excess[key])
		}
	}
}
