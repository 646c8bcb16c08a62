package answers

import (
	"slices"
	"strings"

	"kvd/replica/client"
)

// Advice is one advice, a map of prefix, serving, better, sentence and evidence, and which
// leaders give it.
type Advice struct {
	client.Reply
	Leaders []string
}

// Is is a field of it.
func (c Advice) Is(name string) string { return c.Field(name).Text }

// like leaves out the evidence: who has applied more has more of it.
func (c Advice) like(o Advice) bool {
	return c.Is("prefix") == o.Is("prefix") && c.Is("serving") == o.Is("serving") && c.Is("better") == o.Is("better")
}

// AdviceOf is what all leaders advise: those of the leader that has applied most
// first, then what only others say.
func AdviceOf(said []client.Answer) []Advice {
	teller := client.MostApplied(said)
	var all []Advice
	add := func(a client.Answer) {
		for _, item := range a.Field("advice").Items {
			c := Advice{Reply: item}
			i := slices.IndexFunc(all, c.like)
			if i < 0 {
				all, i = append(all, c), len(all)
			}
			all[i].Leaders = append(all[i].Leaders, a.Name)
		}
	}
	add(said[teller])
	for i, a := range said {
		if i != teller {
			add(a)
		}
	}
	for i := range all {
		slices.Sort(all[i].Leaders)
	}
	slices.SortStableFunc(all, func(a, b Advice) int { return strings.Compare(a.Is("prefix"), b.Is("prefix")) })
	return all
}

// Objection is a leader that does not give an advice, though it has applied the same as
// one that does.
type Objection struct {
	Advice         Advice
	Gives, Objects string // leaders
}

// Objections is who advises otherwise than another that has applied the same.
func Objections(said []client.Answer, all []Advice) (out []Objection) {
	for _, c := range all {
		for _, a := range said {
			if slices.Contains(c.Leaders, a.Name) {
				continue
			}
			i := slices.IndexFunc(said, func(o client.Answer) bool {
				return slices.Contains(c.Leaders, o.Name) && client.DistanceOf(o.Applied, a.Applied).None()
			})
			if i >= 0 {
				out = append(out, Objection{c, said[i].Name, a.Name})
			}
		}
	}
	return out
}

// Explanation is what one leader says of a key.
type Explanation struct {
	client.Answer
	Values []string
	client.Distance
	Same bool // it shows the same, by the same resolver, and has lost as much
}

// Lost is how many writes to the key it knows to be lost.
func (s Explanation) Lost() int64 { return s.Field("lost").Int }

// Serving is the resolver that serves the key there.
func (s Explanation) Serving() string { return s.Field("serving").Text }

// like reports whether two leaders tell the same. Their sentences may differ all
// the same: each names days by its own clock.
func (s Explanation) like(t Explanation) bool {
	return client.SameValues(s.Values, t.Values) && s.Lost() == t.Lost() && s.Serving() == t.Serving()
}

// Whys is the explanations of all leaders, told by one of them.
type Whys struct {
	Key     string
	All     []Explanation // by leader
	teller  int
	Missing []client.Absentee
}

// WhysOf compares the answers of KVD.WHY with that of the leader that has applied most.
func WhysOf(key string, said []client.Answer, missing []client.Absentee) Whys {
	w := Whys{Key: key, Missing: missing, teller: client.MostApplied(said)}
	for _, a := range said {
		w.All = append(w.All, Explanation{Answer: a, Values: a.Field("values").Texts(), Distance: client.DistanceOf(a.Applied, said[w.teller].Applied)})
	}
	for i := range w.All {
		w.All[i].Same = w.All[i].like(w.Told())
	}
	return w
}

// Told is the explanation of the leader that has applied most.
func (w Whys) Told() Explanation { return w.All[w.teller] }
