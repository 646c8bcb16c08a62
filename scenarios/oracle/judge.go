package oracle

import (
	"cmp"
	"slices"
	"time"

	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// Stats counts acknowledged updates. Acked is Accounted and Lost together; Lost
// is the four classes together. Overcounted is what a counter shows beyond what
// was added, in updates where all add the same, else in units.
type Stats struct {
	Acked       int `json:"acked"`
	Accounted   int `json:"accounted"`
	Lost        int `json:"lost"`
	Inverted    int `json:"inverted"`
	Concurrent  int `json:"concurrent"`
	Durability  int `json:"durability"`
	Resurrected int `json:"resurrected"`
	Overcounted int `json:"overcounted"`
}

// KeyStats is the counts of one key.
type KeyStats struct {
	Key string
	Stats
	Siblings  int  // most values any leader shows at the end
	Converged bool // all leaders show the same at the end
}

// Judgement is what a history comes to under a resolver. It belongs to the
// caller, and holds on to the history.
type Judgement struct {
	Stats
	Keys           []KeyStats              // by key
	Losses         []Loss                  // by the time of acknowledgement, then label
	Siblings       int                     // most values any leader shows at the end for one key
	Converged      bool                    // all leaders show the same at the end for every key
	Session        string                  // kept, broken; empty without session clients
	Violations     []Violation             // by time; those of clients without a session too
	Contradictions []history.Contradiction // by time
	Failed         int                     // replies that said no, and requests given up

	j *judge
}

// The verdicts on sessions.
const (
	SessionKept   = "kept"
	SessionBroken = "broken"
)

// Judge judges the history where serve names the resolver of each key.
func Judge(h *history.History, serve func(key string) string) *Judgement {
	j := newJudge(h, serve)
	v := &Judgement{j: j, Converged: true, Failed: h.Failures}
	v.countKeys()
	v.listLosses()
	v.judgeSessions()
	v.Contradictions = j.g.contradictions
	slices.SortStableFunc(v.Contradictions, func(a, b history.Contradiction) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Why, b.Why))
	})
	return v
}

// Key is the counts of one key; zero, and converged, for a key not in the history.
func (v *Judgement) Key(key string) KeyStats {
	i, ok := slices.BinarySearchFunc(v.Keys, key, func(t KeyStats, key string) int { return cmp.Compare(t.Key, key) })
	if !ok {
		return KeyStats{Key: key, Converged: true}
	}
	return v.Keys[i]
}

func (v *Judgement) countKeys() {
	for k := range v.j.g.keys {
		key, o := &v.j.g.keys[k], &v.j.keys[k]
		t := KeyStats{Key: key.name, Siblings: o.siblings, Converged: o.converged}
		for _, u := range key.updates {
			if !v.j.g.h.Updates[u].AckedAt.Never() {
				t.add(v.j.fates[u])
			}
		}
		t.Overcounted = o.overcounted
		v.Keys = append(v.Keys, t)
		v.Stats.Sum(t.Stats)
		v.Siblings = max(v.Siblings, t.Siblings)
		v.Converged = v.Converged && t.Converged
	}
	slices.SortFunc(v.Keys, func(a, b KeyStats) int { return cmp.Compare(a.Key, b.Key) })
}

func (t *Stats) add(f fate) {
	t.Acked++
	if f.accounted {
		t.Accounted++
		return
	}
	t.Lost++
	switch f.class {
	case Inverted:
		t.Inverted++
	case Concurrent:
		t.Concurrent++
	case Durability:
		t.Durability++
	case Resurrected:
		t.Resurrected++
	}
}

// Sum adds s.
func (t *Stats) Sum(s Stats) {
	t.Acked += s.Acked
	t.Accounted += s.Accounted
	t.Lost += s.Lost
	t.Inverted += s.Inverted
	t.Concurrent += s.Concurrent
	t.Durability += s.Durability
	t.Resurrected += s.Resurrected
	t.Overcounted += s.Overcounted
}

func (v *Judgement) listLosses() {
	for u, q := range v.j.g.h.Updates {
		f := v.j.fates[u]
		if f.accounted || q.AckedAt.Never() {
			continue
		}
		loss := Loss{Label: q.Name(), Key: q.Key, Client: q.Client, Class: f.class, Dots: history.Texts(q.Dots()), Acked: q.AckedAt.At, Verb: q.Verb}
		if f.by >= 0 {
			loss.By, loss.ByVerb = v.j.g.label(f.by), v.j.g.h.Updates[f.by].Verb
		}
		v.Losses = append(v.Losses, loss)
	}
	slices.SortStableFunc(v.Losses, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.Acked, b.Acked), cmp.Compare(a.Label, b.Label))
	})
}

func (v *Judgement) judgeSessions() {
	v.Violations = append(v.j.watchReadings(), v.j.watchOrder()...)
	slices.SortStableFunc(v.Violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Guarantee, b.Guarantee), cmp.Compare(a.Why, b.Why))
	})
	if len(v.j.g.h.Sessions) == 0 {
		return
	}
	v.Session = SessionKept
	if slices.ContainsFunc(v.Violations, func(x Violation) bool { return x.Session }) {
		v.Session = SessionBroken
	}
}

func (v *Judgement) end() time.Duration { return v.j.g.h.End }

// Class is why an update is lost.
type Class string

const (
	Inverted    Class = "inverted"    // beaten, where it was accepted, by something its author had been shown
	Concurrent  Class = "concurrent"  // neither knew of the other
	Durability  Class = "durability"  // nothing beat it and it is gone
	Resurrected Class = "resurrected" // a delete undone by something older
)

// Loss is one acknowledged update that is lost.
type Loss struct {
	Label  string        `json:"label"`
	Key    string        `json:"key"`
	Client string        `json:"client"`
	Verb   script.OpKind `json:"verb"`
	Class  Class         `json:"class"`
	Dots   []string      `json:"dots"`              // the names its acknowledgements gave it
	By     string        `json:"by,omitempty"`      // the label of a survivor; empty: nothing survives
	ByVerb script.OpKind `json:"by_verb,omitempty"` // what By is; zero: nothing survives
	Acked  time.Duration `json:"acked"`             // true time at which its author was told it is durable

	// Avoidable is the last moment at which the loss could have been avoided, if somebody
	// looked for it (package branch): the judge does not.
	Avoidable *Avoidable `json:"avoidable,omitempty"`
}

// Avoidable says until when a loss could have been avoided by putting right what was wrong.
type Avoidable struct {
	Never  bool          `json:"never,omitempty"`  // it, or as much of its key, is lost also in a run in which nothing is wrong
	Until  time.Duration `json:"until,omitempty"`  // true time: just before what happens then
	Event  string        `json:"event,omitempty"`  // what happens then; empty: nothing that concerns the loss
	Enough []string      `json:"enough,omitempty"` // of links, clocks and machines: what alone would have been enough then
}

// Among is the judgement of some keys alone: their losses, their updates and what
// sessions were promised of them. It shares memory with v.
func (v *Judgement) Among(in func(key string) bool) *Judgement {
	out := *v
	out.Stats, out.Siblings, out.Converged = Stats{}, 0, true
	out.Keys = slices.DeleteFunc(slices.Clone(v.Keys), func(t KeyStats) bool { return !in(t.Key) })
	for _, t := range out.Keys {
		out.Sum(t.Stats)
		out.Siblings, out.Converged = max(out.Siblings, t.Siblings), out.Converged && t.Converged
	}
	out.Losses = slices.DeleteFunc(slices.Clone(v.Losses), func(l Loss) bool { return !in(l.Key) })
	out.Violations = slices.DeleteFunc(slices.Clone(v.Violations), func(x Violation) bool { return !in(x.Key) })
	if v.Session == SessionBroken && !slices.ContainsFunc(out.Violations, func(x Violation) bool { return x.Session }) {
		out.Session = SessionKept
	}
	return &out
}
