package oracle

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
)

// What a reading shows follows from its dots: every write puts a known text, an addition
// to a register starts from the greatest number that its author had been shown, and a
// counter shows the sum of what its dots reflect. A reading that shows anything else has
// wrong values for its dots.

// text is what an op leaves in a register.
type text struct {
	value  string
	absent bool // it deletes, or adds to what is no number
}

// checkValues holds every reading against the writes behind its dots: those right
// after an acceptance, those that reached a client, and those at the end.
func (j *judge) checkValues() {
	j.texts = make([]text, len(j.g.ops))
	for i := range j.g.ops {
		j.texts[i] = j.textOf(int32(i))
	}
	j.checkUpdates()
	for i := range j.g.ops {
		o, q := &j.g.ops[i], j.g.request(int32(i))
		leader := j.g.h.Leaders.List[o.Leader]
		if !o.Unseen {
			j.checkReading(q.KeyIndex, o.After, o.When.At, func() string { return leader + " showed right after " + q.Name() })
			j.checkSet(q, o)
		}
	}
	for i := range j.g.h.Replies {
		s := &j.g.h.Replies[i]
		j.checkReading(s.Key, s.Reading, s.When.At, func() string {
			return j.g.h.Leaders.List[s.Leader] + " showed " + j.g.h.Clients.List[s.Client]
		})
	}
	for _, leader := range j.leaders {
		for k := range j.g.keys {
			if !j.g.serve(j.g.keys[k].name).counter { // their sums are accounted for
				j.checkReading(int32(k), j.final(leader, int32(k)), j.g.h.End, func() string { return "at the end " + leader + " shows" })
			}
		}
	}
}

// textOf is what the op leaves. Those that it went over come before it.
func (j *judge) textOf(i int32) text {
	q := j.g.request(i)
	switch {
	case q.Verb == script.OpDelete:
		return text{absent: true}
	case !q.Adds():
		return text{value: q.Value}
	}
	best, met := int64(0), false
	for _, p := range j.g.ops[i].over {
		t := j.texts[p]
		if t.absent {
			continue
		}
		n, err := strconv.ParseInt(t.value, 10, 64)
		if err != nil {
			return text{absent: true} // no leader accepts that
		}
		if !met || n > best {
			best, met = n, true
		}
	}
	return text{value: strconv.FormatInt(best+q.Delta, 10)}
}

// checkReading objects to values that the dots do not stand for. Dots that mean
// nothing are objected to elsewhere.
func (j *judge) checkReading(k int32, r history.Reading, at time.Duration, where func() string) {
	if j.g.keys[k].unvalued {
		return
	}
	j.buf = j.g.opsNamed(j.buf[:0], k, r.Dots)
	ops := j.buf
	if len(ops) != len(r.Dots) {
		return
	}
	if want := j.mustShow(k, ops); !slices.Equal(want, r.Values) {
		j.g.contradict(at, history.Misshown, j.g.keys[k].name, first(r.Dots), fmt.Sprintf("%s %s of %s for %s, which is %s",
			where(), quoted(r.Values), j.g.keys[k].name, j.labels(j.g.updatesOf(ops)), quoted(want)))
	}
}

// mustShow is what must be shown for the ops, in their order. Several ops of one
// request are shown once.
func (j *judge) mustShow(k int32, ops []int32) (values []string) {
	if j.g.serve(j.g.keys[k].name).counter {
		c := j.countsOf(k)
		if n, live := c.value(c.reflected(ops)); live {
			values = []string{strconv.FormatInt(n, 10)}
		}
		return values
	}
	for n, i := range ops {
		t, u := j.texts[i], j.g.ops[i].update
		repeats := j.g.retried(u) && slices.ContainsFunc(ops[:n], func(o int32) bool { return j.g.ops[o].update == u })
		if !t.absent && !repeats {
			values = append(values, t.value)
		}
	}
	return values
}

// checkSet objects to a counter that does not show what it was just set to.
func (j *judge) checkSet(q *history.Call, o *op) {
	if q.Verb != script.OpSet || q.Exact || j.g.keys[q.KeyIndex].unvalued || !j.g.serve(q.Key).counter {
		return
	}
	want, err := strconv.ParseInt(q.Value, 10, 64)
	if err == nil && !slices.Equal(o.After.Values, []string{strconv.FormatInt(want, 10)}) {
		j.g.contradict(o.When.At, history.Misshown, q.Key, o.Dot, fmt.Sprintf("%s showed %s right after %s set %s to %d",
			j.g.h.Leaders.List[o.Leader], quoted(o.After.Values), q.Name(), q.Key, want))
	}
}

// checkUpdates objects to clients that did not write what they were to make of what
// they had been shown: then a change is gone that others count as seen.
func (j *judge) checkUpdates() {
	for i := range j.g.ops {
		o, q := &j.g.ops[i], j.g.request(int32(i))
		if q.Verb != script.OpUpdate || !q.Exact || j.g.keys[q.KeyIndex].unvalued || len(o.over) != len(q.Shown) {
			continue
		}
		if want := strconv.FormatInt(j.merged(o)+q.Delta, 10); want != q.Value {
			j.g.contradict(q.SentAt.At, history.Miscount, q.Key, o.Dot, fmt.Sprintf("%s wrote %s over %s, which with %+d makes %s",
				q.Name(), q.Value, j.labels(j.g.updatesOf(o.over)), q.Delta, want))
		}
	}
}

// merged is the number that the op's author had been shown.
func (j *judge) merged(o *op) int64 {
	dots := j.g.shownTo(o)
	if merge.Several(j.write, dots) {
		return merge.Sum(j.write, dots)
	}
	for _, p := range o.over {
		if t := j.texts[p]; !t.absent {
			return merge.Number(t.value)
		}
	}
	return 0
}

// write is the op with a dot, as clients merge it.
func (j *judge) write(d logical.Dot) (merge.Write, bool) {
	i, ok := j.g.named[d]
	if !ok {
		return merge.Write{}, false
	}
	o, q := &j.g.ops[i], j.g.request(i)
	w := merge.Write{Request: merge.Request{Number: uint64(o.update)}, Over: j.g.shownTo(o)}
	switch {
	case q.Verb == script.OpDelete:
		w.Kind = merge.Deletes
	case q.Adds():
		w.Kind, w.Amount = merge.AddsToGreatest, q.Delta
	case q.Verb == script.OpUpdate:
		w.Kind, w.Amount = merge.Adds, q.Delta
	default:
		w.Kind, w.Amount = merge.Puts, merge.Number(q.Value)
	}
	return w, true
}
