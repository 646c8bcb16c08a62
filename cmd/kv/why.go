package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

func ledgerSpecs() []spec {
	return []spec{
		lossesSpec(),
		{name: "why", usage: "print why a key shows what it shows, and what was lost on the way", args: "KEY", least: 1, most: 1, do: why,
			about: "The story is that of the leader which has applied most; whoever tells it otherwise is\nnamed below it.\n" + aboutAsking + orNothing("the key shows nothing, and nothing of it is lost") +
				"\n\nExamples:\n   kv why cart\n   kv why cart --tree            the same as a tree of writes, with their dots\n   kv why cart --only -n n3      as n3 alone sees it",
			flags: []cli.Flag{&cli.BoolFlag{Name: "tree", Usage: "print a tree of writes and their dots"}, onlyFlag(), missingFlag()}},
		fateSpec(), restoreSpec(), auditSpec(), adviseSpec(),
	}
}

// story is what one leader says of a key.
type story struct {
	answered
	values []string
	standing
	same bool // it shows the same, by the same resolver, and has lost as much
}

func (s story) lost() int64     { return s.field("lost").number }
func (s story) serving() string { return s.field("serving").text }

// like reports whether two leaders tell the same. Their sentences may differ all
// the same: each names days by its own clock.
func (s story) like(t story) bool {
	return slices.Equal(sorted(s.values), sorted(t.values)) && s.lost() == t.lost() && s.serving() == t.serving()
}

func (s story) shows() string {
	what := "nothing"
	if len(s.values) > 0 {
		what = joined(s.values)
	}
	return fmt.Sprintf("it shows %s by %s, and knows of %s", what, printable(s.serving()), count(int(s.lost()), "lost write"))
}

// whole is why's answer: the stories of all leaders, told by one of them.
type whole struct {
	inRows
	key     string
	stories []story // by leader
	teller  int
	tree    bool
	missing []absentee
}

func wholeOf(key string, tree bool, said []answered, missing []absentee) whole {
	w := whole{key: key, tree: tree, missing: missing, teller: foremost(said)}
	for _, a := range said {
		w.stories = append(w.stories, story{answered: a, values: a.field("values").texts(), standing: standingOf(a.applied, said[w.teller].applied)})
	}
	for i := range w.stories {
		w.stories[i].same = w.stories[i].like(w.told())
	}
	return w
}

func (w whole) told() story { return w.stories[w.teller] }

// others says who tells it otherwise; differ has those who have no reason to.
func (w whole) others() (lines, differ []string) {
	for _, s := range w.stories {
		if s.same {
			continue
		}
		line := s.standing.text(s.name, w.told().name) + "; " + s.shows()
		if lines = append(lines, line); s.level() {
			differ = append(differ, line)
		}
	}
	return lines, differ
}

func (w whole) body() string {
	if w.tree {
		return w.told().field("tree").text
	}
	return w.told().field("text").text
}

func (w whole) text(p *printer) string {
	lines, _ := w.others()
	if len(lines) > 0 {
		lines = append([]string{"", "so says " + printable(w.told().name) + "; the others:"}, lines...)
	}
	return strings.Join(append([]string{p.plain(w.body())}, lines...), "\n")
}

func (w whole) raw() string { return strings.TrimRight(w.body(), "\n") + "\n" }

// MarshalJSON is the teller's story and how the others stand to it.
func (w whole) MarshalJSON() ([]byte, error) {
	type other struct {
		Leader  string `json:"leader"`
		Applied string `json:"applied"`
		Lacks   uint64 `json:"lacks"`
		Beyond  uint64 `json:"beyond"`
		Same    bool   `json:"same"`
		Serving string `json:"serving"`
		Values  []blob `json:"values"`
		Lost    int64  `json:"lost"`
	}
	all := []other{}
	for _, s := range w.stories {
		all = append(all, other{s.name, s.applied.String(), s.lacks, s.beyond, s.same, s.serving(), blobsOf(s.values), s.lost()})
	}
	t := w.told()
	return marshal(struct {
		Key     keyName    `json:"key"`
		Leader  string     `json:"leader"`
		Serving string     `json:"serving"`
		Values  []blob     `json:"values"`
		Lost    int64      `json:"lost"`
		Text    string     `json:"text"`
		Tree    string     `json:"tree"`
		Leaders []other    `json:"leaders"`
		Missing []absentee `json:"missing"`
	}{keyName(w.key), t.name, t.serving(), blobsOf(t.values), t.lost(), t.field("text").text, t.field("tree").text, all, absentees(w.missing)})
}

func (w whole) columns() []string {
	return []string{"leader", "serving", "values", "lost", "lacks", "beyond", "same"}
}

// rows is one for each leader.
func (w whole) rows() [][]string {
	var all [][]string
	for _, s := range w.stories {
		all = append(all, []string{printable(s.name), printable(s.serving()), joined(s.values), strconv.FormatInt(s.lost(), 10),
			strconv.FormatUint(s.lacks, 10), strconv.FormatUint(s.beyond, 10), strconv.FormatBool(s.same)})
	}
	return all
}

func why(k *call) error {
	key := k.Args().First()
	if key == "" {
		return cliutil.Usage("no key is empty", "the argument is", "kv why KEY")
	}
	said, missing, err := k.askAll("KVD.WHY", key)
	if err != nil {
		return err
	}
	w := wholeOf(key, k.Bool("tree"), said, missing)
	if err := k.out.put(w); err != nil {
		return err
	}
	end := ending{missing: missing}
	if _, end.differs = w.others(); len(w.told().values) == 0 && w.told().lost() == 0 {
		end.nothing, end.next = "the key shows nothing, and nothing of it is lost", whereKeysAre
	}
	return k.verdict(end)
}
