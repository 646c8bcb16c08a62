package oracle_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/script"

	"pgregory.net/rapid"
)

// naive is the dumb twin of the oracle: it keeps everything as maps of labels
// and asks every question the long way.
type naive struct {
	story       *story
	names       map[logical.Dot]string
	over        map[string]map[string]bool // what the author had been shown
	deletes     []string                   // in order of acceptance
	acceptances map[string][]acceptance
	base        map[logical.Dot][]logical.Dot
	acked       []string
	order       []logical.Dot // accepted dots
	turns       []func(keeps bool)
	learned     map[string]*mind // by client
	last        map[string][]logical.Dot
	found       map[bool][]string
	asked       []*question
}

type acceptance struct {
	over, shown []string
	base, after []logical.Dot // the same by dot
	unseen      bool
}

// mind is what a client has learned.
type mind struct{ own, seen []fact }

// fact is an update, and when the client learned of it.
type fact struct {
	update string
	at     time.Duration
}

// question is a request that its client still waits for.
type question struct {
	client string
	since  time.Duration
	write  *write // nil: a read
	get    string // its request
}

func newNaive() *naive {
	return &naive{story: tell(), names: map[logical.Dot]string{}, over: map[string]map[string]bool{},
		acceptances: map[string][]acceptance{}, base: map[logical.Dot][]logical.Dot{}, learned: map[string]*mind{},
		last: map[string][]logical.Dot{}, found: map[bool][]string{}}
}

// past walks up until nothing new is found.
func (n *naive) past(u string) map[string]bool {
	past := map[string]bool{}
	for grew := true; grew; {
		grew = false
		for _, from := range append([]string{u}, keysOf(past)...) {
			for p := range n.over[from] {
				grew = grew || !past[p] && p != u
				past[p] = p != u
			}
		}
	}
	delete(past, u)
	return past
}

// crossed: requests were accepted again in opposite orders, so that one has been
// shown itself.
func (n *naive) crossed() bool {
	return slices.ContainsFunc(keysOf(n.acceptances), func(u string) bool {
		return slices.ContainsFunc(keysOf(n.past(u)), func(p string) bool { return n.past(p)[u] })
	})
}

// undid: something survives that one of the deletion's ops had seen, directly or
// through other ops.
func (n *naive) undid(x string, survivors []logical.Dot) bool {
	for _, b := range n.acceptances[x] {
		seen := map[logical.Dot]bool{}
		for queue := slices.Clone(b.base); len(queue) > 0; queue = queue[1:] {
			if !seen[queue[0]] {
				seen[queue[0]] = true
				queue = append(queue, n.base[queue[0]]...)
			}
		}
		if slices.ContainsFunc(survivors, func(s logical.Dot) bool { return seen[s] }) {
			return true
		}
	}
	return false
}

// retried: the update was accepted twice.
func (n *naive) retried(u string) bool { return len(n.acceptances[u]) > 1 }

func keysOf[V any](m map[string]V) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

func (n *naive) labels(ds []logical.Dot) (list []string) {
	for _, x := range ds {
		list = append(list, n.names[x])
	}
	return list
}

func (n *naive) anyInPast(u string, list []string) bool {
	past := n.past(u)
	return slices.ContainsFunc(list, func(s string) bool { return past[s] })
}

// surely is the past of u without what only a request that was accepted again had
// seen.
func (n *naive) surely(u string) map[string]bool {
	in := map[string]bool{}
	for queue := []string{u}; len(queue) > 0; queue = queue[1:] {
		if n.retried(queue[0]) {
			continue
		}
		for p := range n.over[queue[0]] {
			if !in[p] {
				in[p] = true
				queue = append(queue, p)
			}
		}
	}
	return in
}

// accounted is the rule of the package comment, word for word.
func (n *naive) accounted(final []logical.Dot, keeps bool) map[string]bool {
	in := map[string]bool{}
	account := func(u string) {
		in[u] = true
		for p := range n.past(u) {
			in[p] = true
		}
	}
	for _, s := range n.labels(final) {
		account(s)
	}
	if !keeps {
		return in
	}
	for _, x := range n.deletes {
		if !n.undid(x, final) {
			account(x)
		}
	}
	for _, x := range n.deletes {
		if n.undid(x, final) {
			in[x] = false
		}
	}
	return in
}

// class is why u is lost.
func (n *naive) class(u string, survivors []string, resolver string) string {
	past, keeps := n.past(u), resolver == "siblings"
	unknown := slices.ContainsFunc(keysOf(n.acceptances), n.retried) || slices.ContainsFunc(survivors, func(s string) bool { return !past[s] })
	switch {
	case !keeps && !slices.ContainsFunc(n.acceptances[u], func(b acceptance) bool { return !n.beaten(u, b, survivors) }):
		return "inverted"
	case !keeps && unknown:
		return "concurrent"
	case resolver == "interval" && len(survivors) > 0:
		return "inverted"
	case slices.Contains(n.deletes, u) && n.anyInPast(u, survivors):
		return "resurrected"
	}
	return "durability"
}

// victor is the survivor that a loss is blamed on.
func (n *naive) victor(u, class string, survivors []string) string {
	for _, s := range survivors {
		if s != u && n.past(u)[s] == (class == "inverted" || class == "resurrected") {
			return s
		}
	}
	return append(survivors, "")[0]
}

func (n *naive) beaten(u string, b acceptance, survivors []string) bool {
	if b.unseen {
		return n.anyInPast(u, survivors)
	}
	return !slices.Contains(b.shown, u) && slices.ContainsFunc(b.after, func(x logical.Dot) bool {
		s := n.names[x]
		return slices.Contains(b.base, x) || slices.Contains(b.over, s) && !n.retried(s) || slices.ContainsFunc(b.over, func(o string) bool { return n.surely(o)[s] })
	})
}

// older: the reading is of a time before u.
func (n *naive) older(shown []string, u string, deletes []string, keeps bool) bool {
	if len(shown) == 0 {
		return !slices.ContainsFunc(deletes, func(x string) bool {
			return x == u || n.retried(x) || keeps && n.past(x)[u] || !keeps && !n.past(u)[x]
		})
	}
	reflects := slices.ContainsFunc(shown, func(s string) bool { return s == u || n.past(s)[u] })
	known := n.surely(u)
	return !reflects && !n.crossed() && !slices.ContainsFunc(shown, n.retried) && slices.ContainsFunc(shown, func(s string) bool { return known[s] })
}

// reading notes a reading to be judged when all edges are known.
func (n *naive) reading(client, own string, shown []string, since time.Duration) {
	at, deletes := n.story.now, slices.Clone(n.deletes)
	n.turns = append(n.turns, func(keeps bool) {
		m := n.learned[client]
		if m == nil {
			m = &mind{}
			n.learned[client] = m
		}
		stale := func(f fact) bool { return f.at < since && n.older(shown, f.update, deletes, keeps) }
		if slices.ContainsFunc(m.seen, stale) {
			n.found[keeps] = append(n.found[keeps], fmt.Sprintf("monotonic-reads %s %s", client, at))
		}
		if slices.ContainsFunc(m.own, stale) || own != "" && n.older(shown, own, deletes, keeps) {
			n.found[keeps] = append(n.found[keeps], fmt.Sprintf("read-your-writes %s %s", client, at))
		}
		if own != "" {
			m.own = n.learn(m.own, fact{own, at})
		}
		for _, u := range shown {
			m.seen = n.learn(m.seen, fact{u, at})
		}
	})
}

// learn adds what is news, and forgets what that has in its past.
func (n *naive) learn(facts []fact, f fact) []fact {
	last := len(facts) - 1
	if slices.ContainsFunc(facts, func(o fact) bool { return o.update == f.update }) || last >= 0 && n.past(facts[last].update)[f.update] {
		return facts
	}
	for last >= 0 && n.past(f.update)[facts[last].update] {
		last--
	}
	return append(slices.Clone(facts[:last+1]), f)
}

// violations judges all readings in order.
func (n *naive) violations(keeps bool) []string {
	n.learned = map[string]*mind{}
	for _, turn := range n.turns {
		turn(keeps)
	}
	return n.found[keeps]
}

// some draws a few of the dots accepted so far.
func (n *naive) some(t *rapid.T, most int, ok func(logical.Dot) bool) []logical.Dot {
	var from []logical.Dot
	for _, x := range n.order {
		if ok == nil || ok(x) {
			from = append(from, x)
		}
	}
	if len(from) == 0 {
		return nil
	}
	// The latest are drawn more often: chains grow, and readings are seldom old.
	pick := rapid.Custom(func(t *rapid.T) logical.Dot {
		back := rapid.IntRange(1, len(from)).Draw(t, "back")
		if rapid.Bool().Draw(t, "near") {
			back = min(back, 3)
		}
		return from[len(from)-back]
	})
	return rapid.SliceOfNDistinct(pick, 0, min(most, len(from)), func(x logical.Dot) logical.Dot { return x }).Draw(t, "some")
}

// accept makes a write an op somewhere, over any other writes' dots: retries may cross.
func (n *naive) accept(t *rapid.T, w *write) {
	w.leader = rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(t, "leader")
	w.dot = d(uint64(w.leader[1]-'0'), uint64(len(n.order)+1))
	w.over = n.some(t, 2, func(x logical.Dot) bool { return n.names[x] != w.label })
	n.names[w.dot] = w.label
	n.order = append(n.order, w.dot)
	after := history.Reading{Dots: n.some(t, 2, nil)}
	if rapid.Bool().Draw(t, "shows itself") && !slices.Contains(after.Dots, w.dot) {
		after.Dots = append(after.Dots, w.dot)
	}
	w.after = &after
	if n.over[w.label] == nil {
		n.over[w.label] = map[string]bool{}
	}
	for _, p := range n.labels(w.over) {
		n.over[w.label][p] = true
	}
	n.base[w.dot] = w.over
	w.unseen = rapid.IntRange(0, 9).Draw(t, "unseen") == 0
	n.acceptances[w.label] = append(n.acceptances[w.label], acceptance{n.labels(w.over), n.labels(after.Dots), w.over, after.Dots, w.unseen})
	n.story.sent(*w)
	n.story.accepted(*w)
}

// step is one write, with or without more acceptances, or a read; or a reply to one
// of those that are under way.
func (n *naive) step(t *rapid.T, i int) {
	client := rapid.SampledFrom([]string{"A", "B"}).Draw(t, "client")
	switch rapid.IntRange(0, 5).Draw(t, "what") {
	case 0, 1:
		n.reads(t, client, &question{client: client, since: n.story.now + time.Millisecond})
		return
	case 2:
		id := fmt.Sprintf("get%02d", i)
		n.story.h.Sent(n.story.tick(), history.Request{ID: id, Client: client, Session: true, Leader: "n1", Key: "x", Verb: script.OpGet})
		n.asked = append(n.asked, &question{client: client, since: n.story.now, get: id})
		return
	case 3:
		if len(n.asked) > 0 {
			n.answer(t, rapid.IntRange(0, len(n.asked)-1).Draw(t, "answers"))
			return
		}
	}
	w := write{label: fmt.Sprintf("u%02d", i), client: client, session: true}
	if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
		w.verb = script.OpDelete
	}
	since := n.story.now + time.Millisecond
	n.accept(t, &w)
	if w.verb == script.OpDelete {
		n.deletes = append(n.deletes, w.label)
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 1, 2, 3}).Draw(t, "retries") {
		n.accept(t, &w)
	}
	n.asked = append(n.asked, &question{client: client, since: since, write: &w})
	if rapid.IntRange(0, 2).Draw(t, "reply at once") > 0 {
		n.answer(t, len(n.asked)-1)
	}
}

// answer is a reply to what was asked.
func (n *naive) answer(t *rapid.T, i int) {
	q := n.asked[i]
	n.asked = slices.Delete(n.asked, i, i+1)
	if q.write == nil {
		n.reads(t, q.client, q)
		return
	}
	n.story.acked(*q.write)
	n.acked = append(n.acked, q.write.label)
	n.reading(q.client, q.write.label, n.labels(q.write.after.Dots), q.since)
}

// reads is a reply to a read: often of what the client was shown the last time.
func (n *naive) reads(t *rapid.T, client string, q *question) {
	ds := n.last[client]
	if len(ds) == 0 || !rapid.Bool().Draw(t, "the same again") {
		ds = n.some(t, 2, nil)
	}
	n.last[client] = ds
	n.story.h.Shown(n.story.tick(), history.Read{Request: q.get, Client: client, Session: true, Leader: "n1", Key: "x", Reading: history.Reading{Dots: ds}})
	n.reading(client, "", n.labels(ds), q.since)
}

// TestOracleAgreesWithTheLongWay draws several histories each time: the short suite
// draws seldom.
func TestOracleAgreesWithTheLongWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			n := newNaive()
			for i := range rapid.IntRange(1, 16).Draw(t, "steps") {
				n.step(t, i)
			}
			final := n.some(t, 2, nil)
			n.story.final(history.Reading{Dots: final})
			for _, resolver := range []string{"lww", "siblings", "interval"} {
				n.compare(t, resolver, final)
			}
		}
	})
}

func (n *naive) compare(t *rapid.T, resolver string, final []logical.Dot) {
	keeps := resolver == "siblings"
	slices.SortFunc(final, logical.Dot.Compare)
	survivors := slices.Compact(n.labels(final))
	v := judge(n.story.h, resolver)
	if len(v.Contradictions) > 0 {
		t.Fatalf("%s: contradictions %+v", resolver, v.Contradictions)
	}
	in := n.accounted(final, keeps)
	var want, got []string
	for _, u := range n.acked {
		if !in[u] {
			class := n.class(u, survivors, resolver)
			want = append(want, u+" "+class+" "+n.victor(u, class, survivors))
		}
	}
	for _, l := range v.Losses {
		got = append(got, l.Label+" "+string(l.Class)+" "+l.By)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: losses %q, the long way %q", resolver, got, want)
	}
	if v.Accounted+v.Lost != v.Acked || v.Acked != len(n.acked) || v.Inverted+v.Concurrent+v.Durability+v.Resurrected != v.Lost {
		t.Fatalf("%s: the counts do not add up: %+v", resolver, v.Stats)
	}
	var broken []string
	for _, x := range v.Violations {
		broken = append(broken, fmt.Sprintf("%s %s %s", x.Guarantee, x.Client, x.At))
	}
	n.found[keeps] = nil
	if long := n.violations(keeps); !slices.Equal(broken, long) {
		t.Fatalf("%s: violations %q, the long way %q", resolver, broken, long)
	}
}

// TestJudgingChangesNothing: the same history, judged twice and under another
// resolver in between.
func TestJudgingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newNaive()
		for i := range rapid.IntRange(1, 14).Draw(t, "steps") {
			n.step(t, i)
		}
		n.story.final(history.Reading{Dots: n.some(t, 2, nil), Values: []string{"1"}})
		text := func() string {
			v := judge(n.story.h, "lww")
			return fmt.Sprintf("%+v %+v %+v %+v %+v", v.Stats, v.Keys, v.Losses, v.Violations, v.Contradictions)
		}
		first := text()
		judge(n.story.h, "counter")
		if second := text(); first != second {
			t.Fatalf("first %s\nthen  %s", first, second)
		}
	})
}
