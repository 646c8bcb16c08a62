package sweep

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/scenarios/script"
)

// Axis is what changes.
type Axis struct {
	Name   string
	Values []Value
}

// Value is one value of an axis.
type Value struct {
	Text string
	Time time.Duration // of skew, delay and cut
	Rate float64       // of rate
}

// Axes names them.
func Axes() []string { return []string{"skew", "delay", "cut", "rate"} }

// maxValues is how many values an axis has at most.
const maxValues = 200

// ParseAxis reads NAME=VALUE,…; a value may be a range FROM..TO (or FROM…TO), which goes
// up tenfold.
func ParseAxis(text string) (Axis, error) {
	name, list, ok := strings.Cut(text, "=")
	if !ok || !slices.Contains(Axes(), name) {
		return Axis{}, fmt.Errorf("an axis is one of %s and its values, as in skew=0,1ms..10s", strings.Join(Axes(), ", "))
	}
	a := Axis{Name: name}
	for part := range strings.SplitSeq(strings.ReplaceAll(list, "…", ".."), ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "..")
		v, err := a.value(from)
		if err != nil {
			return a, err
		}
		a.Values = append(a.Values, v)
		if !ranged {
			continue
		}
		last, err := a.value(to)
		if err != nil || !(Value{}).less(v) || !v.less(last) {
			return a, fmt.Errorf("%q is no range: it goes from a value above zero up to a greater one", part)
		}
		for v = v.tenfold(); v.less(last); v = v.tenfold() {
			a.Values = append(a.Values, a.named(v))
		}
		a.Values = append(a.Values, last)
	}
	if len(a.Values) > maxValues {
		return a, fmt.Errorf("more than %d values", maxValues)
	}
	return a, nil
}

func (a *Axis) value(text string) (Value, error) {
	v := Value{Text: strings.TrimSpace(text)}
	var err error
	if a.Name == "rate" {
		if v.Rate, err = strconv.ParseFloat(v.Text, 64); err != nil || v.Rate <= 0 || v.Rate > 1e6 {
			return v, fmt.Errorf("%q is no rate: times a second, above zero and at most a million", v.Text)
		}
		return v, nil
	}
	if v.Text == "0" {
		return v, nil
	}
	if v.Time, err = time.ParseDuration(v.Text); err != nil || v.Time < 0 || v.Time > time.Hour {
		return v, fmt.Errorf("%q is no duration such as 10ms or 2s, of at most an hour", v.Text)
	}
	return v, nil
}

// less compares values of one axis: the other number is zero in both.
func (v Value) less(o Value) bool { return float64(v.Time)+v.Rate < float64(o.Time)+o.Rate }

func (v Value) tenfold() Value { return Value{Time: 10 * v.Time, Rate: 10 * v.Rate} }

func (a *Axis) named(v Value) Value {
	if v.Text = v.Time.String(); a.Name == "rate" {
		v.Text = strconv.FormatFloat(v.Rate, 'g', -1, 64)
	}
	return v
}

// Apply is the script with the value; it fails where the script has nothing that the axis
// could change. The script is not changed.
func (a Axis) Apply(s *script.Scenario, v Value, seed uint64) (*script.Scenario, error) {
	s = s.Clone()
	changed := 0
	switch a.Name {
	case "skew":
		changed = skew(s, v.Time, seed)
	case "delay":
		changed = delay(s, v.Time)
	case "cut":
		changed = cut(s, v.Time)
	case "rate":
		changed = rate(s, v.Rate)
	}
	if changed == 0 {
		return nil, fmt.Errorf("%s has nothing that %s could change: %s", s.Name, a.Name, map[string]string{
			"cut": "no partition or cut that is healed at a time of its own", "rate": "nothing is repeated (every … )"}[a.Name])
	}
	return s, nil
}

func skew(s *script.Scenario, most time.Duration, seed uint64) int {
	for i := range s.Setup {
		if f, ok := s.Setup[i].Action.(script.ClockFault); ok {
			f.Offset = script.Opt[time.Duration]{}
			s.Setup[i].Action = f
		}
	}
	s.Setup = slices.DeleteFunc(s.Setup, func(u script.Setup) bool {
		f, ok := u.Action.(script.ClockFault)
		return ok && f == (script.ClockFault{Leader: f.Leader})
	})
	for _, l := range s.Leaders {
		h := fnv.New64a()
		h.Write([]byte(l))
		chance := rand.New(rand.NewPCG(seed, h.Sum64()))
		off := time.Duration(float64(most) * (2*chance.Float64() - 1))
		s.Setup = append(s.Setup, script.Setup{Action: script.ClockFault{Leader: l, Offset: script.Some(off)}})
	}
	return len(s.Leaders)
}

func delay(s *script.Scenario, d time.Duration) int {
	for i := range s.Setup {
		if f, ok := s.Setup[i].Action.(script.LinkFault); ok {
			f.Delay = script.Some(d)
			s.Setup[i].Action = f
		}
	}
	s.Setup = slices.Insert(s.Setup, 0, script.Setup{Action: script.LinkFault{Delay: script.Some(d)}})
	return 1
}

// cut moves each heal to the value after the last partition or cut before it.
func cut(s *script.Scenario, d time.Duration) int {
	n := 0
	for i := range s.Events {
		heal, isHeal := s.Events[i].Action.(script.Heal)
		at, timed := s.Events[i].Trigger.(script.At)
		if !isHeal || !timed {
			continue
		}
		began, found := time.Duration(0), false
		for _, e := range s.Events {
			from, ok := e.Trigger.(script.At)
			if ok && severs(e.Action, heal) && from.Time <= at.Time && (!found || from.Time > began) {
				began, found = from.Time, true
			}
		}
		if found {
			s.Events[i].Trigger = script.At{Time: began + d}
			n++
		}
	}
	return n
}

// severs reports whether an action begins what the heal ends.
func severs(a script.Action, heal script.Heal) bool {
	switch a := a.(type) {
	case script.Partition:
		return heal.Path == script.Path{}
	case script.Cut:
		return heal.Path == script.Path{} || a.Path == heal.Path
	}
	return false
}

func rate(s *script.Scenario, perSecond float64) int {
	n := 0
	for i := range s.Events {
		if e, ok := s.Events[i].Trigger.(script.Every); ok {
			e.Period = max(1, time.Duration(float64(time.Second)/perSecond))
			s.Events[i].Trigger = e
			n++
		}
	}
	return n
}
