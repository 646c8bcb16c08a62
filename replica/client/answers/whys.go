package answers

import "kvd/replica/client"

// Explanation is what one leader says of a key.
type Explanation struct {
	client.Answer
	Values []string
	client.Distance
	Same bool // it shows the same, by the same resolver, and has lost as much
}

// Lost is how many writes to the key it knows to be lost.
func (s Explanation) Lost() int64 { return s.Field("lost").Number }

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
