package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// The checks of a script. Each returns whether the promise held and, if not, why. For a
// safety promise, at is the first moment that broke it; a liveness promise is judged at
// the end, and at is zero.

// CheckConverged: all leaders show the same for every key.
func (v *Judgement) CheckConverged() (held bool, at time.Duration, why string) {
	for _, t := range v.Keys {
		if !t.Converged {
			return false, 0, fmt.Sprintf("leaders differ on %s: %s", t.Key, v.views(t.Key))
		}
	}
	return true, 0, ""
}

// views is what every leader shows of a key at the end.
func (v *Judgement) views(key string) string {
	var each []string
	for _, leader := range v.j.leaders {
		each = append(each, leader+" "+quoted(v.j.g.h.Finals[history.LeaderKey{Leader: leader, Key: key}].Values))
	}
	return strings.Join(each, ", ")
}

func quoted(values []string) string {
	if len(values) == 0 {
		return "absent"
	}
	return fmt.Sprintf("%q", values)
}

// CheckLost: want acknowledged updates of a key, or of all keys together if key
// is empty, are lost.
func (v *Judgement) CheckLost(key string, want int64) (held bool, at time.Duration, why string) {
	t := v.Stats
	if key != "" {
		t = v.Key(key).Stats
	}
	return v.number("lost", int64(t.Lost), want, func(l Loss) bool { return key == "" || l.Key == key })
}

// CheckDurability: want acknowledged updates are gone though nothing beat them.
func (v *Judgement) CheckDurability(want int64) (held bool, at time.Duration, why string) {
	return v.number("gone though nothing beat them", int64(v.Durability), want, func(l Loss) bool { return l.Class == Durability })
}

// CheckAccounted: every acknowledged update is accounted for.
func (v *Judgement) CheckAccounted() (held bool, at time.Duration, why string) {
	return v.number("lost", int64(v.Lost), 0, func(Loss) bool { return true })
}

func (v *Judgement) number(what string, got, want int64, which func(Loss) bool) (bool, time.Duration, string) {
	if got == want {
		return true, 0, ""
	}
	why := fmt.Sprintf("%d acknowledged updates are %s, expected %d", got, what, want)
	if i := slices.IndexFunc(v.Losses, which); i >= 0 {
		l := v.Losses[i]
		why += fmt.Sprintf("; the first is %s of %s by %s (%s)", l.Label, l.Key, l.Client, l.Class)
	}
	return false, 0, why
}

// CheckSession: the client, with or without a token, was never given less than
// the guarantee says.
func (v *Judgement) CheckSession(client string, g script.Guarantee) (held bool, at time.Duration, why string) {
	for _, x := range v.Violations {
		if x.Client == client && (g == script.AllGuarantees || x.Guarantee == g) {
			return false, x.At, fmt.Sprintf("%s: %s", x.Guarantee, x.Why)
		}
	}
	return true, 0, ""
}

// CheckNoResurrection: what was deleted from the key is not brought back by
// something older. A reading breaks it when its leader had applied a delete that
// was not beaten on acceptance and shows again what the delete's author had seen.
func (v *Judgement) CheckNoResurrection(key string) (held bool, at time.Duration, why string) {
	k, ok := v.j.g.h.Keys.Index[key]
	if !ok {
		return true, 0, ""
	}
	if s, d := v.j.firstResurrection(k); s != nil {
		return false, s.When.At, fmt.Sprintf("%s showed %s again, which %s had deleted", v.j.g.h.Leaders.List[s.Leader],
			v.j.labels(v.j.g.show(nil, k, s.Dots)), v.j.g.label(d))
	}
	for _, l := range v.Losses {
		if l.Key == key && l.Class == Resurrected {
			return false, v.end(), fmt.Sprintf("at the end %s survives, which %s had deleted", l.By, l.Label)
		}
	}
	return true, 0, ""
}

// firstResurrection is the first reading that brings back something deleted, and
// the delete.
func (j *judge) firstResurrection(k int32) (*history.Reply, int32) {
	rule := j.g.serve(j.g.keys[k].name)
	if rule.counter {
		return nil, 0 // a dot of a counter does not say what it still counts
	}
	var deletes []int32 // their ops
	for _, d := range j.g.keys[k].deletes {
		deletes = append(deletes, j.g.opsOf[d]...)
	}
	slices.Sort(deletes)
	for i := range j.g.h.Replies {
		s := &j.g.h.Replies[i]
		if s.Key != k || len(s.Dots) == 0 || j.had[s.Leader] == nil {
			continue
		}
		if d := j.resurrects(deletes, rule, s); d >= 0 {
			return s, d
		}
	}
	return nil, 0
}

// resurrects is a delete that the reading undoes, or -1. What counts is what the
// leader had applied of it: of a request that was accepted several times each op
// deletes what its own author had been shown.
func (j *judge) resurrects(deletes []int32, r rule, s *history.Reply) int32 {
	shown := j.g.opsNamed(nil, s.Key, s.Dots)
	if len(shown) == 0 {
		return -1
	}
	low := slices.Min(shown)
	by, _ := slices.BinarySearchFunc(deletes, s.Since, func(d, turn int32) int { return cmp.Compare(j.g.ops[d].When.Turn, turn) })
	for _, d := range slices.Backward(deletes[:by]) {
		if d < low {
			break
		}
		when := j.had[s.Leader][d]
		if when == 0 || when > s.Since || j.unsure(s.Leader, when, s.When.Turn) || j.ops.reflects(shown, d) {
			continue
		}
		o := &j.g.ops[d]
		if r.keeps && j.ops.knows(d, shown) || !r.keeps && j.ops.knowsAll(d, shown) && !j.beatenOnAcceptance(o.update, o.AcceptanceAt, j.maybeShown) {
			return o.update
		}
	}
	return -1
}

// CheckNoOvercount: the key's counter never shows more than was added. The
// moment is the first reading above all that had been accepted by then, or the
// end.
func (v *Judgement) CheckNoOvercount(key string) (held bool, at time.Duration, why string) {
	k, ok := v.j.g.h.Keys.Index[key]
	if !ok || !v.j.g.serve(key).counter {
		return true, 0, ""
	}
	if s, n, most := v.j.firstExcess(k); s != nil {
		return false, s.When.At, fmt.Sprintf("%s showed %d, and at most %d had been added", v.j.g.h.Leaders.List[s.Leader], n, most)
	}
	if n := v.Key(key).Overcounted; n > 0 {
		return false, v.end(), fmt.Sprintf("at the end %s shows %d too many", key, n)
	}
	return true, 0, ""
}

// CheckValue: every leader shows exactly the value, or nothing if absent.
func (v *Judgement) CheckValue(key, value string, absent bool) (held bool, at time.Duration, why string) {
	want := []string{value}
	if absent {
		want = nil
	}
	for _, leader := range v.j.leaders {
		if got := v.j.g.h.Finals[history.LeaderKey{Leader: leader, Key: key}].Values; !slices.Equal(got, want) {
			return false, 0, fmt.Sprintf("%s shows %s, expected %s", leader, quoted(got), quoted(want))
		}
	}
	return true, 0, ""
}

// CheckVisible: no leader has the write labelled then before it has the one
// labelled first.
func (v *Judgement) CheckVisible(first, then string) (held bool, at time.Duration, why string) {
	a, b := v.j.labelled(first), v.j.labelled(then)
	if b < 0 {
		return true, 0, ""
	}
	held = true
	for l, times := range v.j.applied {
		if times == nil || times[b].Never() {
			continue
		}
		if a >= 0 && !times[a].Never() && times[a].Turn < times[b].Turn {
			continue
		}
		if held || times[b].At < at {
			held, at, why = false, times[b].At, fmt.Sprintf("%s had %s before %s", v.j.g.h.Leaders.List[l], then, first)
		}
	}
	return held, at, why
}

// labelled is the update people call by the label, or -1.
func (j *judge) labelled(label string) int32 {
	return int32(slices.IndexFunc(j.g.h.Updates, func(q *history.Call) bool { return q.Name() == label }))
}
