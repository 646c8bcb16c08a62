package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func adviseSpec() spec {
	return spec{name: "advise", usage: "print which resolver would have lost less, by prefix", args: "[PREFIX]...", least: 0, most: -1, do: advise,
		about: "Without prefixes, those of the policy and all other keys. Advice rests on the ledger and\nthe log as they are; " + aboutScans + "\n" + aboutAsking +
			"\n\nExamples:\n   kv advise\n   kv advise user: cart:",
		flags: []cli.Flag{onlyFlag(), missingFlag()}}
}

// counsel is one advice, and which leaders give it.
type counsel struct {
	Prefix   string
	Serving  string
	Better   string
	Sentence string
	Evidence []string
	Leaders  []string
}

func counselOf(r reply) counsel {
	return counsel{Prefix: r.field("prefix").text, Serving: r.field("serving").text, Better: r.field("better").text,
		Sentence: r.field("sentence").text, Evidence: r.field("evidence").texts()}
}

// like leaves out the evidence: who has applied more has more of it.
func (c counsel) like(o counsel) bool {
	return c.Prefix == o.Prefix && c.Serving == o.Serving && c.Better == o.Better
}

// counsels is what all leaders advise: those of the leader that has applied most
// first, then what only others say.
func counsels(said []answered) []counsel {
	teller := foremost(said)
	var all []counsel
	add := func(a answered) {
		for _, item := range a.field("advice").items {
			c := counselOf(item)
			i := slices.IndexFunc(all, c.like)
			if i < 0 {
				all, i = append(all, c), len(all)
			}
			all[i].Leaders = append(all[i].Leaders, a.name)
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
	slices.SortStableFunc(all, func(a, b counsel) int { return strings.Compare(a.Prefix, b.Prefix) })
	return all
}

// apart says who advises otherwise than another that has applied the same.
func apart(said []answered, all []counsel) []string {
	var out []string
	for _, c := range all {
		for i, a := range said {
			if slices.Contains(c.Leaders, a.name) {
				continue
			}
			j := slices.IndexFunc(said, func(o answered) bool {
				return slices.Contains(c.Leaders, o.name) && standingOf(o.applied, said[i].applied).level()
			})
			if j >= 0 {
				out = append(out, fmt.Sprintf("of %s, %s advises %s and %s does not, and both have applied the same", quoted(c.Prefix), printable(said[j].name), printable(c.Better), printable(a.name)))
			}
		}
	}
	return out
}

// quoted is a prefix as it can be told from words.
func quoted(prefix string) string { return fmt.Sprintf("%q", prefix) }

func (c counsel) text(p *printer) string {
	head := quoted(c.Prefix)
	if c.Prefix == "" {
		head = `"" (all keys of no other prefix)`
	}
	lines := []string{head + ": " + p.show(c.Sentence)}
	for _, e := range c.Evidence {
		lines = append(lines, "    "+p.show(e))
	}
	return strings.Join(append(lines, "    so says "+series(shownAll(c.Leaders))), "\n")
}

func (c counsel) raw() string { return c.Better }
func (c counsel) columns() []string {
	return []string{"prefix", "serving", "better", "leaders", "sentence"}
}
func (c counsel) cells() []string {
	return []string{quoted(c.Prefix), printable(c.Serving), printable(c.Better), strings.Join(shownAll(c.Leaders), " "), printable(c.Sentence)}
}

// MarshalJSON has the server's fields, and who says so.
func (c counsel) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Prefix   keyName  `json:"prefix"`
		Serving  string   `json:"serving"`
		Better   string   `json:"better"`
		Sentence string   `json:"sentence"`
		Evidence []string `json:"evidence"`
		Leaders  []string `json:"leaders"`
	}{keyName(c.Prefix), c.Serving, c.Better, c.Sentence, append([]string{}, c.Evidence...), c.Leaders})
}

// advice is all of it as one object.
type advice struct {
	Advice      []counsel  `json:"advice"`
	Differences []string   `json:"differences"`
	Missing     []absentee `json:"missing"`
}

func (advice) text(*printer) string { return "" }
func (advice) raw() string          { return "" }
func (advice) columns() []string    { return nil }
func (advice) cells() []string      { return nil }

func advise(k *call) error {
	words := []string{"KVD.ADVISE"}
	for _, prefix := range k.Args().Slice() {
		words = append(words, "PREFIX", prefix)
	}
	said, missing, err := k.scanAll(words...)
	if err != nil {
		return err
	}
	all := counsels(said)
	differs := apart(said, all)
	if err := k.putAdvice(advice{append([]counsel{}, all...), append([]string{}, differs...), absentees(missing)}); err != nil {
		return err
	}
	if len(all) == 0 {
		k.say("there is nothing to advise: as far as the ledgers tell, what serves now has lost nothing that another would not have lost")
	}
	return k.verdict(ending{differs: differs, missing: missing})
}

func (k *call) putAdvice(a advice) error {
	if k.out.name == "json" {
		return k.out.put(a)
	}
	k.out.list()
	for _, c := range a.Advice {
		if err := k.out.put(c); err != nil {
			return err
		}
	}
	return nil
}
