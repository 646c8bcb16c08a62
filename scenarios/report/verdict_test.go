package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/explore"
	"kvd/scenarios/library"
	"kvd/scenarios/report"
	"kvd/scenarios/script"
)

// The checker below is somebody else's: it knows the JSON and what README and package
// oracle say of a loss, and none of the project's code.

type checked struct {
	Scenario, Resolver     string
	Acked, Accounted, Lost int
	Values                 map[string]map[string][]string
	Losses                 []struct{ Label, Key, Class string }
	Serving                map[string]string
	History                struct {
		Writes []checkedWrite
		Finals []struct {
			Leader, Key string
			Dots        []string
		}
		DisksLost []struct {
			Leader string
			Turn   int
		} `json:"disks_lost"`
		Applied []struct {
			Leader, Dot string
			Turn        int
		}
	}
}

type checkedWrite struct {
	Request, Label, Key, Verb string
	Exact                     bool
	Shown                     []string
	Acked                     *struct{ Turn int }
	Accepted                  []struct {
		Dot         string
		Turn        int
		Over, After []string
		Delta       int64
		Unseen      bool
	}
}

// checker recomputes who is lost.
type checker struct {
	checked
	write  map[string]*checkedWrite   // by dot
	over   map[string][]string        // by dot
	past   map[string]map[string]bool // by request
	held   map[string]bool            // by dot; nil: no disk was lost
	result []string
}

func check(c checked) []string {
	k := &checker{checked: c, write: map[string]*checkedWrite{}, over: map[string][]string{}, past: map[string]map[string]bool{}}
	for i := range c.History.Writes {
		w := &c.History.Writes[i]
		for _, a := range w.Accepted {
			k.write[a.Dot], k.over[a.Dot] = w, a.Over
			if w.Exact {
				k.over[a.Dot] = w.Shown
			}
		}
	}
	k.readDisks()
	for key := range c.Serving {
		k.key(key)
	}
	slices.Sort(k.result)
	return k.result
}

// readDisks finds what is held still: applied after the leader last lost its disk.
func (k *checker) readDisks() {
	if len(k.History.DisksLost) == 0 {
		return
	}
	lost := map[string]int{}
	for _, d := range k.History.DisksLost {
		lost[d.Leader] = d.Turn
	}
	k.held = map[string]bool{}
	for _, a := range k.History.Applied {
		if a.Turn > lost[a.Leader] {
			k.held[a.Dot] = true
		}
	}
}

// gone reports whether all dots of a write went with their disks.
func (k *checker) gone(w *checkedWrite) bool {
	if k.held == nil {
		return false
	}
	for _, a := range w.Accepted {
		if k.held[a.Dot] {
			return false
		}
	}
	return true
}

// seen is what the dots stand for and all that their authors had been shown, where
// all dots of a request are one write.
func (k *checker) seen(dots []string) map[string]bool {
	seen := map[string]bool{}
	for queue := slices.Clone(dots); len(queue) > 0; queue = queue[1:] {
		w := k.write[queue[0]]
		if w == nil || seen[w.Request] {
			continue
		}
		seen[w.Request] = true
		for _, a := range w.Accepted {
			queue = append(queue, k.over[a.Dot]...)
		}
	}
	return seen
}

// below is the dots that a dot's author had been shown, dot by dot.
func (k *checker) below(dot string) map[string]bool {
	below := map[string]bool{}
	for queue := slices.Clone(k.over[dot]); len(queue) > 0; queue = queue[1:] {
		if !below[queue[0]] {
			below[queue[0]] = true
			queue = append(queue, k.over[queue[0]]...)
		}
	}
	return below
}

func (k *checker) key(key string) {
	var survivors []string
	for _, f := range k.History.Finals {
		if f.Key == key {
			survivors = append(survivors, f.Dots...)
		}
	}
	rule := k.Serving[key]
	accounted := k.seen(survivors)
	if rule == "siblings" {
		k.deletes(key, survivors, accounted)
	}
	for i := range k.History.Writes {
		w := &k.History.Writes[i]
		switch {
		case w.Key != key || w.Acked == nil:
		case rule == "counter" && !k.gone(w) && k.adds(key), rule != "counter" && accounted[w.Request]:
		default:
			k.result = append(k.result, fmt.Sprintf("%s of %s: %s", w.Label, key, k.class(w, rule, survivors)))
		}
	}
}

// deletes accounts for those of which nothing that they had seen survives.
func (k *checker) deletes(key string, survivors []string, accounted map[string]bool) {
	for i := range k.History.Writes {
		w := &k.History.Writes[i]
		if w.Verb != "delete" || w.Key != key {
			continue
		}
		undone, all := false, []string{}
		for _, a := range w.Accepted {
			below := k.below(a.Dot)
			undone = undone || slices.ContainsFunc(survivors, func(s string) bool { return below[s] })
			all = append(all, a.Dot)
		}
		if undone {
			delete(accounted, w.Request)
			continue
		}
		for r := range k.seen(all) {
			accounted[r] = true
		}
	}
}

// adds reports whether what a counter shows is what was added, less what deletes had
// been shown.
func (k *checker) adds(key string) bool {
	taken := map[string]bool{} // by dot
	for i := range k.History.Writes {
		w := &k.History.Writes[i]
		for _, a := range w.Accepted {
			if w.Verb == "delete" && w.Key == key && !k.gone(w) {
				for d := range k.below(a.Dot) {
					k.takeUpTo(key, d, taken)
				}
			}
		}
	}
	sum := new(big.Int)
	for i := range k.History.Writes {
		w := &k.History.Writes[i]
		if w.Key != key || w.Verb == "delete" || k.gone(w) || len(w.Accepted) == 0 {
			continue
		}
		least := slices.MinFunc(w.Accepted, func(a, b struct {
			Dot         string
			Turn        int
			Over, After []string
			Delta       int64
			Unseen      bool
		}) int {
			return compareDots(a.Dot, b.Dot)
		})
		if !slices.ContainsFunc(dotsOf(w), func(d string) bool { return taken[d] }) {
			sum.Add(sum, big.NewInt(least.Delta))
		}
	}
	for _, values := range k.Values {
		if got := append(values[key], "0")[0]; got != sum.String() {
			return false
		}
	}
	return true
}

// takeUpTo takes what one origin had added up to a dot.
func (k *checker) takeUpTo(key, dot string, taken map[string]bool) {
	for d, w := range k.write {
		if w.Key == key && origin(d) == origin(dot) && compareDots(d, dot) <= 0 {
			taken[d] = true
		}
	}
}

func dotsOf(w *checkedWrite) (dots []string) {
	for _, a := range w.Accepted {
		dots = append(dots, a.Dot)
	}
	return dots
}

func origin(dot string) string { return dot[:strings.LastIndex(dot, "-")] }

// compareDots is by origin, then by number.
func compareDots(a, b string) int {
	if c := strings.Compare(origin(a), origin(b)); c != 0 {
		return c
	}
	return len(a) - len(b) + boolInt(len(a) == len(b))*strings.Compare(a, b)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// class is why a write is lost.
func (k *checker) class(w *checkedWrite, rule string, survivors []string) string {
	keeps := rule == "siblings" || rule == "counter"
	switch {
	case k.gone(w):
		return "durability"
	case !keeps && k.inverted(w):
		return "inverted"
	case !keeps:
		return "concurrent"
	case w.Verb == "delete":
		return "resurrected"
	}
	return "durability"
}

// inverted reports whether the write was beaten where it was accepted by something that
// its author had been shown.
func (k *checker) inverted(w *checkedWrite) bool {
	for _, a := range w.Accepted {
		seen := k.seen(k.over[a.Dot])
		if slices.Contains(a.After, a.Dot) || !slices.ContainsFunc(a.After, func(d string) bool { return seen[k.write[d].Request] }) {
			return false
		}
	}
	return true
}

// TestTheVerdictFollowsFromTheJSON: somebody else's program finds the same losses from
// the JSON alone, scenario by scenario and in random histories.
func TestTheVerdictFollowsFromTheJSON(t *testing.T) {
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(s *script.Scenario) bool { return s.Name == "hot-set" || s.Name == "poisoned-key" }) // long, and as poisoned-delete
	for seed := range uint64(6) {
		all = append(all, explore.Generate(seed))
	}
	total := 0
	for _, s := range all {
		var results []*scenarios.Result
		for _, id := range resolve.IDs() {
			r, err := scenarios.Run(s, scenarios.Options{Resolver: id, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, r)
		}
		var text bytes.Buffer
		if err := report.JSON(&text, results); err != nil {
			t.Fatal(err)
		}
		var read []checked
		if err := json.Unmarshal(text.Bytes(), &read); err != nil {
			t.Fatal(err)
		}
		for _, c := range read {
			total += compare(t, c)
		}
	}
	if total < 100 {
		t.Errorf("%d losses: these histories show little", total)
	}
}

func compare(t *testing.T, c checked) int {
	t.Helper()
	var said []string
	for _, l := range c.Losses {
		said = append(said, fmt.Sprintf("%s of %s: %s", l.Label, l.Key, l.Class))
	}
	slices.Sort(said)
	if found := check(c); !slices.Equal(found, said) {
		t.Errorf("%s under %s: the JSON says %q, and what it holds comes to %q", c.Scenario, c.Resolver, said, found)
	}
	acked := 0
	for _, w := range c.History.Writes {
		if w.Acked != nil {
			acked++
		}
	}
	if acked != c.Acked || c.Lost != len(said) || c.Accounted != acked-len(said) {
		t.Errorf("%s under %s: %d acknowledged, %d accounted, %d lost; it holds %d and lists %d", c.Scenario, c.Resolver, c.Acked, c.Accounted, c.Lost, acked, len(said))
	}
	return len(said)
}
