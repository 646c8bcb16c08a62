package explore

import (
	"bytes"
	"slices"
	"strconv"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
)

// valueBugs are leaders that keep the right versions and show, or write, the wrong
// values under their dots.
func valueBugs() []bug {
	return []bug{
		{"the value of the wrong sibling", resolve.Siblings, onShown(func(r *resolve.Reading, _ []byte) {
			if n := len(r.Values); n > 1 {
				r.Values[n-1] = r.Values[0]
			}
		})},
		{"the values of two siblings in each other's place", resolve.Siblings, onShown(func(r *resolve.Reading, _ []byte) {
			slices.Reverse(r.Values)
		})},
		{"an addition to the wrong sibling", resolve.Siblings, addToTheLeast},
		{"the value before under the new dot", resolve.LWW, onShown(func(r *resolve.Reading, before []byte) {
			if len(r.Values) == 1 && before != nil {
				r.Values[0] = before
			}
		})},
		{"a sum without one of its additions", resolve.Counter, onShown(func(r *resolve.Reading, _ []byte) {
			n, err := strconv.ParseInt(string(bytes.Join(r.Values, nil)), 10, 64)
			if err == nil && len(r.Dots) > 2 {
				r.Values[0] = strconv.AppendInt(nil, n-1, 10)
			}
		})},
		{"an absent key with a value", resolve.Causal, onShown(func(r *resolve.Reading, before []byte) {
			if len(r.Values) == 0 && len(r.Dots) > 0 && before != nil {
				r.Values = [][]byte{before}
			}
		})},
	}
}

// onShown changes what every seventh reply shows; before is the value shown before.
func onShown(change func(r *resolve.Reading, before []byte)) func() host.Tamper {
	return func() host.Tamper {
		n := 0
		var before []byte
		return hooks{reply: func(r *replica.Reply) {
			was := before
			if len(r.Shown.Values) > 0 {
				before = r.Shown.Values[0]
			}
			if n++; n%7 == 0 {
				r.Shown.Values = slices.Clone(r.Shown.Values)
				change(&r.Shown, was)
			}
		}}
	}
}

// addToTheLeast adds to the least of several siblings, where the greatest is to be
// gone on from. The op names them all as its parents, as it should.
func addToTheLeast() host.Tamper {
	values := map[string][]int64{}
	return hooks{
		put: func(p replica.Put) replica.Put {
			if put, is := p.(replica.PutObject); is {
				values[put.Object.Key] = numbers(put.Object)
			}
			return p
		},
		input: func(in replica.Input) replica.Input {
			r, ok := in.(*replica.Request)
			if !ok || r.Verb != replica.Incr || len(values[r.Key]) < 2 {
				return in
			}
			c := *r
			c.Verb, c.Value = replica.Set, strconv.AppendInt(nil, slices.Min(values[r.Key])+r.Delta, 10)
			return &c
		},
	}
}

func numbers(o *resolve.Object) []int64 {
	var ns []int64
	for i := range o.Versions {
		if n, err := strconv.ParseInt(string(o.Versions[i].Value), 10, 64); err == nil && o.Versions[i].Mask.Has(resolve.Siblings) {
			ns = append(ns, n)
		}
	}
	return ns
}
