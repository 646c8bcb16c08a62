package main

import (
	"fmt"
	"slices"
	"strings"

	"kvd/cmd/internal/cliutil"
)

// part is how many keys are compared at a time.
const part = 256

// comparison is what each leader shows of a key.
type comparison struct {
	key     string
	leaders []*leader
	values  [][]string // of each leader, in its order
}

// apart reports whether a leader shows something else than the first.
func (c comparison) apart(i int) bool { return !slices.Equal(sorted(c.values[i]), sorted(c.values[0])) }

func sorted(values []string) []string { return slices.Sorted(slices.Values(values)) }

// same reports whether all leaders show the same values, in whatever order.
func (c comparison) same() bool {
	for i := range c.values {
		if c.apart(i) {
			return false
		}
	}
	return true
}

func (c comparison) at(i int) string {
	if len(c.values[i]) == 0 {
		return "(absent)"
	}
	return joined(c.values[i])
}

func (c comparison) text(p *printer) string {
	if c.same() {
		return p.show(c.key) + "  same  " + c.at(0)
	}
	lines := []string{p.show(c.key) + "  " + p.mark("differs")}
	for i, l := range c.leaders {
		mark := " "
		if c.apart(i) {
			mark = p.mark("≠")
		}
		lines = append(lines, fmt.Sprintf("  %s %s  %s", mark, printable(l.Name), c.at(i)))
	}
	return strings.Join(lines, "\n")
}

func (c comparison) raw() string { return c.key }

func (c comparison) columns() []string {
	names := []string{"key", "same"}
	for _, l := range c.leaders {
		names = append(names, printable(l.Name))
	}
	return names
}

func (c comparison) cells() []string {
	cells := []string{printable(c.key), fmt.Sprint(c.same())}
	for i := range c.leaders {
		mark := ""
		if c.apart(i) {
			mark = "≠ "
		}
		cells = append(cells, mark+c.at(i))
	}
	return cells
}

// MarshalJSON lists the leaders in order.
func (c comparison) MarshalJSON() ([]byte, error) {
	type shows struct {
		Leader string `json:"leader"`
		Values []blob `json:"values"`
	}
	out := struct {
		Key     keyName `json:"key"`
		Same    bool    `json:"same"`
		Leaders []shows `json:"leaders"`
	}{keyName(c.key), c.same(), nil}
	for i, l := range c.leaders {
		out.Leaders = append(out.Leaders, shows{l.Name, blobsOf(c.values[i])})
	}
	return marshal(out)
}

func compare(k *call) error {
	if (k.NArg() == 1) == k.IsSet("prefix") {
		return cliutil.Usage("kv compare takes a key, or --prefix", fmt.Sprintf("%d keys are named, and --prefix is %q", k.NArg(), k.String("prefix")), "kv compare --prefix ''  compares everything")
	}
	leaders, err := k.several()
	if err != nil {
		return err
	}
	k.out.list()
	var t tally
	if k.NArg() == 1 {
		err = t.compare(k, leaders, k.Args().Slice())
	} else {
		err = t.walk(k, leaders)
	}
	if err != nil {
		return err
	}
	k.say(fmt.Sprintf("%s compared at %d leaders, %d different", count(t.keys, "key"), len(leaders), t.different))
	if t.different > 0 {
		return &cliutil.Problem{What: k.subject() + ": leaders differ", Why: count(t.different, "key") + " of " + fmt.Sprint(t.keys) + " shown differently",
			Next: "kv wait --converged waits for what is on its way; then compare again", Code: cliutil.Differs}
	}
	return k.twice(identityTroubles(k.ctx(), leaders))
}

// tally counts what was compared.
type tally struct{ keys, different int }

// compare asks every leader for the keys, and prints what there is to print.
func (t *tally) compare(k *call, leaders []*leader, keys []string) error {
	all := make([]comparison, len(keys))
	for i, key := range keys {
		all[i] = comparison{key, leaders, make([][]string, len(leaders))}
	}
	commands := make([][]string, len(keys))
	for i, key := range keys {
		commands[i] = []string{"KVD.GET", key}
	}
	for j, l := range leaders {
		replies, err := l.pipeline(k.ctx(), k.timeout, commands)
		if err != nil {
			return err
		}
		for i, r := range replies {
			all[i].values[j] = readingOf(keys[i], r).values
		}
	}
	for _, c := range all {
		t.keys++
		if c.same() && !k.Bool("all") {
			continue
		}
		if !c.same() {
			t.different++
		}
		if err := k.out.put(c); err != nil {
			return err
		}
	}
	return nil
}

// walk compares all keys of the prefix that any leader has, some at a time.
func (t *tally) walk(k *call, leaders []*leader) error {
	var m merged
	for _, l := range leaders {
		m.walks = append(m.walks, &walk{k: k, l: l, pattern: glob(k.String("prefix")) + "*"})
	}
	m.heads = make([]*string, len(leaders))
	for {
		keys, err := m.take(part)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := t.compare(k, leaders, keys); err != nil {
			return err
		}
	}
}

// merged is the keys of several leaders, each once. It holds one answer of each:
// leaders give their keys in order.
type merged struct {
	walks []*walk
	heads []*string // the next key of each; nil: to be asked for, or at the end
}

// take is the next n keys at most; none: there are no more.
func (m *merged) take(n int) ([]string, error) {
	var keys []string
	for len(keys) < n {
		key, err := m.next()
		if err != nil || key == nil {
			return keys, err
		}
		keys = append(keys, *key)
	}
	return keys, nil
}

// next is the least key that any leader has next; nil: none has any.
func (m *merged) next() (*string, error) {
	var least *string
	for i, w := range m.walks {
		if m.heads[i] == nil {
			key, ok, err := w.next()
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			m.heads[i] = &key
		}
		if least == nil || *m.heads[i] < *least {
			least = m.heads[i]
		}
	}
	for i, h := range m.heads {
		if h != nil && *h == *least {
			m.heads[i] = nil
		}
	}
	return least, nil
}
