package answers

import (
	"slices"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/ledger"
)

// Ruling is what a resolver made of the write, and which leaders say so.
type Ruling struct {
	Resolver string   `json:"resolver"`
	Serving  bool     `json:"serving"`
	State    string   `json:"state"`
	Relation string   `json:"relation,omitempty"`
	By       string   `json:"by,omitempty"`
	Text     string   `json:"text"`
	Leaders  []string `json:"leaders"`
}

func (j Ruling) like(o Ruling) bool {
	return j.Resolver == o.Resolver && j.State == o.State && j.Relation == o.Relation && j.By == o.By
}

// unclear reports whether the leader could not tell, which contradicts nobody.
func (j Ruling) unclear() bool { return j.State == ledger.Unclear.String() }

func rulingsOf(r client.Reply) []Ruling {
	var all []Ruling
	for _, v := range r.Field("verdicts").Items {
		all = append(all, Ruling{Resolver: v.Field("resolver").Text, Serving: v.Field("serving").Truth(), State: v.Field("state").Text,
			Relation: v.Field("relation").Text, By: v.Field("by").Text, Text: v.Field("text").Text})
	}
	return all
}

// Fates is the answers of all leaders about one write.
type Fates struct {
	Dot     string
	Said    []client.Answer // by leader
	Teller  int             // of those that can tell the one that has applied most, rather with the write in its log; -1: none can
	Missing []client.Absentee
}

// FatesOf chooses who tells of the write, of the answers of KVD.FATE.
func FatesOf(dot string, said []client.Answer, missing []client.Absentee) Fates {
	f := Fates{Dot: dot, Said: said, Missing: missing, Teller: -1}
	for i, a := range said {
		if tells(a) && (f.Teller < 0 || tellsMore(a, said[f.Teller])) {
			f.Teller = i
		}
	}
	return f
}

// tells reports whether the leader judges the write: it has it in its log, or what
// the log has forgotten in its ledger.
func tells(a client.Answer) bool {
	return knows(a, "here") || knows(a, "forgotten") && len(a.Field("verdicts").Items) > 0
}

func tellsMore(a, o client.Answer) bool {
	if knows(a, "here") != knows(o, "here") {
		return knows(a, "here")
	}
	return a.Applied.Beyond(logical.Frontier{}) > o.Applied.Beyond(logical.Frontier{})
}

// givenTwice reports whether the dot is known to have two contents: then leaders
// judge two writes.
func givenTwice(a client.Answer) bool {
	return len(a.Field("elsewhere").Items) > 0 || a.Field("settled").Kind == '$'
}

func knows(a client.Answer, how string) bool { return a.Field("known").Text == how }

// Known reports whether any leader can tell.
func (f Fates) Known() bool { return f.Teller >= 0 }

// Verdicts is one table: the teller's order, and after each of its verdicts those
// that other leaders have instead.
func (f Fates) Verdicts() []Ruling {
	if !f.Known() {
		return nil
	}
	all := rulingsOf(f.Said[f.Teller].Reply)
	for i := range all {
		all[i].Leaders = []string{f.Said[f.Teller].Name}
	}
	for i, a := range f.Said {
		if i == f.Teller || !tells(a) {
			continue
		}
		for _, j := range rulingsOf(a.Reply) {
			if j.unclear() && !knows(a, "here") {
				continue // its log is too short to tell
			}
			all = counting(all, j, a.Name)
		}
	}
	for i := range all {
		slices.Sort(all[i].Leaders)
	}
	return all
}

// counting adds a leader to the verdict it shares, or puts its own behind the last
// one of its resolver.
func counting(all []Ruling, j Ruling, leader string) []Ruling {
	at := len(all)
	for i := range all {
		if all[i].like(j) {
			all[i].Leaders = append(all[i].Leaders, leader)
			return all
		}
		if all[i].Resolver == j.Resolver {
			at = i + 1
		}
	}
	j.Leaders = []string{leader}
	return slices.Insert(all, at, j)
}

// Lacks reports whether the leader at that index of Said does not have the write in its
// log, nor judges it by its ledger as the teller may.
func (f Fates) Lacks(i int) bool {
	return !knows(f.Said[i], "here") && (i != f.Teller || !tells(f.Said[i]))
}

// Dissent is a ruling of a leader's that the teller's are not like.
type Dissent struct {
	Ruling  Ruling
	Strange bool // both have applied the same and can tell, so that there is no reason to differ
}

// Dissents is the verdicts of the leader at that index that the teller does not share.
func (f Fates) Dissents(i int) (all []Dissent) {
	a := f.Said[i]
	if i == f.Teller || !tells(a) {
		return nil
	}
	teller := f.Said[f.Teller]
	mine := rulingsOf(teller.Reply)
	for _, j := range rulingsOf(a.Reply) {
		if slices.ContainsFunc(mine, j.like) || j.unclear() && !knows(a, "here") {
			continue
		}
		open := givenTwice(a) || givenTwice(teller) || j.unclear() || slices.ContainsFunc(mine, func(o Ruling) bool { return o.Resolver == j.Resolver && o.unclear() })
		all = append(all, Dissent{j, f.Distance(i).None() && !open})
	}
	return all
}

// Distance is how far the leader at that index is from the teller.
func (f Fates) Distance(i int) client.Distance {
	return client.DistanceOf(f.Said[i].Applied, f.Said[f.Teller].Applied)
}

// Serving is the state under the resolver that serves the key; empty: nobody can tell.
func (f Fates) Serving() string {
	for _, j := range f.Verdicts() {
		if j.Serving {
			return j.State
		}
	}
	return ""
}

// IsDot reports whether a text is the dot of a write.
func IsDot(text string) bool {
	_, err := logical.ParseDot(text)
	return err == nil
}

// IsLost reports whether the state of a write is that it is lost.
func IsLost(state string) bool { return state == ledger.Lost.String() }
