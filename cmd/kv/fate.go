package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/logical"
	"kvd/replica/ledger"
)

func fateSpec() spec {
	return spec{name: "fate", usage: "print what became of one write, under every resolver", args: "DOT", least: 1, most: 1, do: fate,
		about: "A dot names a write: kv set --dot, kv losses, kv history and kv why --tree print them.\n" + aboutAsking + orNothing("no leader knows the write") +
			"\n\nExamples:\n   kv set x 1 --dot -o raw                    prints the dot alone\n   kv fate 00c0ffee00c0ffee-17 -o table       a row for each resolver, and who says so",
		flags: []cli.Flag{onlyFlag(), missingFlag()}}
}

// dotArg is the first argument, which names a write.
func (k *call) dotArg() (string, error) {
	text := k.Args().First()
	if _, err := logical.ParseDot(text); err != nil {
		return "", cliutil.Usage(fmt.Sprintf("%q is no dot", brief(text)), "a dot is sixteen hexadecimal digits, a dash and a number above zero, as in 00c0ffee00c0ffee-17",
			whereDotsAre)
	}
	return text, nil
}

const whereDotsAre = "kv losses, kv history KEY and kv set --dot print dots"

// ruling is what a resolver made of the write, and which leaders say so.
type ruling struct {
	Resolver string   `json:"resolver"`
	Serving  bool     `json:"serving"`
	State    string   `json:"state"`
	Relation string   `json:"relation,omitempty"`
	By       string   `json:"by,omitempty"`
	Text     string   `json:"text"`
	Leaders  []string `json:"leaders"`
}

func (j ruling) like(o ruling) bool {
	return j.Resolver == o.Resolver && j.State == o.State && j.Relation == o.Relation && j.By == o.By
}

// unclear reports whether the leader could not tell, which contradicts nobody.
func (j ruling) unclear() bool { return j.State == ledger.Unclear.String() }

func (j ruling) short() string {
	words := []string{j.State}
	if j.Relation != "" {
		words = append(words, j.Relation)
	}
	if j.By != "" {
		words = append(words, "by "+j.By)
	}
	return printable(strings.Join(words, ", "))
}

func rulingsOf(r reply) []ruling {
	var all []ruling
	for _, v := range r.field("verdicts").items {
		all = append(all, ruling{Resolver: v.field("resolver").text, Serving: truth(v.field("serving")), State: v.field("state").text,
			Relation: v.field("relation").text, By: v.field("by").text, Text: v.field("text").text})
	}
	return all
}

// truth reads 0 and 1, or a boolean.
func truth(r reply) bool {
	return r.kind == aNumber && r.number != 0 || r.kind == other && r.text == "true"
}

// fates is the answers of all leaders about one write.
type fates struct {
	inRows
	dot     string
	said    []answered // by leader
	teller  int        // of those that can tell the one that has applied most, rather with the write in its log; -1: none can
	missing []absentee
}

func fatesOf(dot string, said []answered, missing []absentee) fates {
	f := fates{dot: dot, said: said, missing: missing, teller: -1}
	for i, a := range said {
		if a.tells() && (f.teller < 0 || a.tellsMore(said[f.teller])) {
			f.teller = i
		}
	}
	return f
}

// tells reports whether the leader judges the write: it has it in its log, or what
// the log has forgotten in its ledger.
func (a answered) tells() bool {
	return a.knows("here") || a.knows("forgotten") && len(a.field("verdicts").items) > 0
}

func (a answered) tellsMore(o answered) bool {
	if a.knows("here") != o.knows("here") {
		return a.knows("here")
	}
	return missed(logical.Frontier{}, a.applied) > missed(logical.Frontier{}, o.applied)
}

// givenTwice reports whether the dot is known to have two contents: then leaders
// judge two writes.
func (a answered) givenTwice() bool {
	return len(a.field("elsewhere").items) > 0 || a.field("settled").kind == aText
}

func (a answered) knows(how string) bool { return a.field("known").text == how }

// known reports whether any leader can tell.
func (f fates) known() bool { return f.teller >= 0 }

// verdicts is one table: the teller's order, and after each of its verdicts those
// that other leaders have instead.
func (f fates) verdicts() []ruling {
	if !f.known() {
		return nil
	}
	all := rulingsOf(f.said[f.teller].reply)
	for i := range all {
		all[i].Leaders = []string{f.said[f.teller].name}
	}
	for i, a := range f.said {
		if i == f.teller || !a.tells() {
			continue
		}
		for _, j := range rulingsOf(a.reply) {
			if j.unclear() && !a.knows("here") {
				continue // its log is too short to tell
			}
			all = counting(all, j, a.name)
		}
	}
	for i := range all {
		slices.Sort(all[i].Leaders)
	}
	return all
}

// counting adds a leader to the verdict it shares, or puts its own behind the last
// one of its resolver.
func counting(all []ruling, j ruling, leader string) []ruling {
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

// notes says where it is not known, and who judges otherwise; differ has those of
// whom that is strange.
func (f fates) notes() (lines, differ []string) {
	for i, a := range f.said {
		if !a.knows("here") && (i != f.teller || !a.tells()) {
			lines = append(lines, printable(a.name)+notHere(a.field("known").text))
		}
		if i != f.teller && a.tells() {
			more, strange := f.against(a)
			lines, differ = append(lines, more...), append(differ, strange...)
		}
	}
	return lines, differ
}

func notHere(known string) string {
	switch known {
	case "ahead":
		return " has not applied it yet"
	case "forgotten":
		return " has applied it, and its log no longer holds it"
	case "unreplicated":
		return " has not applied it, and knows of nobody who can be reached and has it"
	case "unknown-origin":
		return " has never heard of whoever accepted it"
	}
	return " says of it: " + printable(known)
}

// against holds a leader's verdicts against the teller's.
func (f fates) against(a answered) (lines, differ []string) {
	teller := f.said[f.teller]
	stand := standingOf(a.applied, teller.applied)
	mine := rulingsOf(teller.reply)
	for _, j := range rulingsOf(a.reply) {
		if slices.ContainsFunc(mine, j.like) || j.unclear() && !a.knows("here") {
			continue
		}
		line := fmt.Sprintf("%s; under %s it says %s", stand.text(a.name, teller.name), printable(j.Resolver), j.short())
		open := a.givenTwice() || teller.givenTwice() || j.unclear() || slices.ContainsFunc(mine, func(o ruling) bool { return o.Resolver == j.Resolver && o.unclear() })
		if lines = append(lines, line); stand.level() && !open {
			differ = append(differ, line)
		}
	}
	return lines, differ
}

func (f fates) body() string {
	return f.said[max(f.teller, 0)].field("text").text
}

func (f fates) text(p *printer) string {
	lines, _ := f.notes()
	if f.known() {
		lines = append([]string{p.plain(f.body())}, lines...)
	} else {
		lines = append([]string{f.dot + ":"}, lines...)
	}
	return strings.Join(lines, "\n")
}

// raw is the state under the resolver that serves the key.
func (f fates) raw() string {
	for _, j := range f.verdicts() {
		if j.Serving {
			return j.State + "\n"
		}
	}
	return ""
}

func (f fates) columns() []string {
	return []string{"resolver", "serving", "state", "relation", "by", "leaders"}
}

func (f fates) rows() [][]string {
	var all [][]string
	for _, j := range f.verdicts() {
		all = append(all, []string{printable(j.Resolver), strconv.FormatBool(j.Serving), printable(j.State), printable(j.Relation), printable(j.By), strings.Join(shownAll(j.Leaders), " ")})
	}
	return all
}

// MarshalJSON is one table of verdicts, and what each leader knows of the write.
func (f fates) MarshalJSON() ([]byte, error) {
	type knowing struct {
		Leader  string `json:"leader"`
		Known   string `json:"known"`
		Applied string `json:"applied"`
	}
	out := struct {
		Dot      string     `json:"dot"`
		Key      *keyName   `json:"key"`
		Value    reply      `json:"value"`
		Text     string     `json:"text"`
		Verdicts []ruling   `json:"verdicts"`
		Leaders  []knowing  `json:"leaders"`
		Missing  []absentee `json:"missing"`
	}{Dot: f.dot, Verdicts: append([]ruling{}, f.verdicts()...), Text: f.body(), Missing: absentees(f.missing)}
	if f.known() {
		t := f.said[f.teller]
		key := keyName(t.field("key").text)
		out.Key, out.Value = &key, t.field("value")
	}
	for _, a := range f.said {
		out.Leaders = append(out.Leaders, knowing{a.name, a.field("known").text, a.applied.String()})
	}
	return marshal(out)
}

func fate(k *call) error {
	dot, err := k.dotArg()
	if err != nil {
		return err
	}
	said, missing, err := k.askAll("KVD.FATE", dot)
	if err != nil {
		return err
	}
	f := fatesOf(dot, said, missing)
	if err := k.out.put(f); err != nil {
		return err
	}
	end := ending{missing: missing}
	if _, end.differs = f.notes(); !f.known() {
		end.nothing, end.next = "no leader that answered can tell what became of it", whereDotsAre
	}
	if f.known() && k.out.name == "text" && strings.HasPrefix(f.raw(), "lost") {
		k.say("kv restore " + dot + " writes the lost value again")
	}
	return k.verdict(end)
}
