package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/logical"
	"kvd/replica/ledger"
	sentence "kvd/replica/ledger/explain"
	"kvd/resolve"
)

func lossesSpec() spec {
	return spec{name: "losses", usage: "print acknowledged writes that a resolver threw away unseen", least: 0, most: 0, do: losses,
		about: `Each is printed once, with the leaders that hold it in their ledgers: by key and dot.
The resolver is the one that serves the key, or --resolver. --since 10m goes by each
leader's own clock, which it is asked for first; it may also be a time such as
2006-01-02T15:04:05Z.

--follow goes on with what is lost from now on, as leaders tell it, and with losses
that are retracted because a survivor turns out to have seen the write. A leader that
goes away is waited for, and asked for what was missed. Ctrl-C ends it. --limit then
counts what is there at first.
` + aboutAsking + `

Examples:
   kv losses --prefix cart: --since 10m
   kv losses --relation inverted -o table        a clock is wrong where there are any
   kv losses --resolver lww -o jsonl             what lww would have lost, as a shadow
   kv losses --follow -o jsonl | head -1         until the first one`,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
			&cli.StringFlag{Name: "since", Usage: "only what was decided after `WHEN`: a duration back, or RFC 3339"},
			&cli.StringFlag{Name: "relation", Usage: "only those that are inverted, or concurrent: `WHICH`"},
			&cli.StringFlag{Name: "resolver", Usage: "what `NAME` has lost, or would have as a shadow: a resolver, or all"},
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "at most `N`; 0: all there are"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what is lost from now on"}, onlyFlag(), missingFlag(),
		}}
}

// place is where a loss stands in the order of answers.
type place struct {
	key      string
	loser    logical.Dot
	resolver resolve.ID
}

func (p place) compare(q place) int {
	return cmp.Or(strings.Compare(p.key, q.key), p.loser.Compare(q.loser), cmp.Compare(p.resolver, q.resolver))
}

// wanted is which losses are asked for.
type wanted struct {
	prefix, relation string
	resolver         string        // empty: the one that serves
	back             time.Duration // since; zero: absolute
	since            int64         // nanoseconds of Unix time; zero: all
	limit            int
}

// wants reads the flags.
func (k *call) wants() (wanted, error) {
	w := wanted{prefix: k.String("prefix"), relation: k.String("relation"), resolver: k.String("resolver"), limit: k.Int("limit")}
	if w.relation != "" {
		if err := cliutil.OneOf(w.relation, resolve.Inverted.String(), resolve.Concurrent.String()); err != nil {
			return w, cliutil.Usage(fmt.Sprintf("unknown relation %q", w.relation), "of a lost write, "+err.Error(), "kv losses --relation inverted")
		}
	}
	if w.resolver != "" && w.resolver != "all" {
		if _, err := cliutil.Resolver(w.resolver); err != nil {
			return w, cliutil.Usage(fmt.Sprintf("unknown resolver %q", w.resolver), err.Error(), "kv losses --resolver all")
		}
	}
	if w.limit < 0 {
		return w, cliutil.Usage("--limit cannot be below zero", "it counts losses", "kv losses --limit 0  prints all")
	}
	return w, w.readSince(k.String("since"))
}

func (w *wanted) readSince(text string) error {
	if text == "" {
		return nil
	}
	if back, err := time.ParseDuration(text); err == nil && back > 0 {
		w.back = back
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return cliutil.Usage(fmt.Sprintf("--since %q says no time", text), "it takes a duration above zero, or a time as RFC 3339 has it", "kv losses --since 10m, or --since 2006-01-02T15:04:05Z")
	}
	w.since = at.UnixNano()
	return nil
}

// words is the command, without its page.
func (w wanted) words(since int64) []string {
	words := []string{"KVD.LOSSES"}
	for _, o := range [][2]string{{"PREFIX", w.prefix}, {"RELATION", w.relation}, {"RESOLVER", w.resolver}} {
		if o[1] != "" {
			words = append(words, o[0], o[1])
		}
	}
	if since > 0 {
		words = append(words, "SINCE", strconv.FormatInt(since, 10))
	}
	return words
}

// listing is what one leader said about losses.
type listing struct {
	voice
	now     int64 // its clock
	evicted int64
	rows    []row // by place
	more    bool  // there are others behind the last row
	moved   bool  // it applied something while it was asked
}

// pageRows is how many rows are asked for at a time.
const pageRows = 1000

// ledgerOf asks one leader, page by page.
func (k *call) ledgerOf(w wanted) func(*leader) (listing, error) {
	return func(l *leader) (listing, error) {
		since := w.since
		if w.back > 0 {
			r, err := l.do(k.ctx(), "KVD.LOSSES", "COUNT", "1")
			if err != nil {
				return listing{}, err
			}
			since = r.field("now").number - int64(w.back)
		}
		return k.pages(l, w, since)
	}
}

func (k *call) pages(l *leader, w wanted, since int64) (listing, error) {
	var out listing
	for cursor := ""; ; {
		page := pageRows
		if w.limit > 0 {
			page = min(page, w.limit-len(out.rows))
		}
		words := append(w.words(since), "COUNT", strconv.Itoa(page))
		if cursor != "" {
			words = append(words, "AFTER", cursor)
		}
		r, err := l.do(k.ctx(), words...)
		if err != nil {
			return listing{}, err
		}
		if err := out.take(l, r, cursor == ""); err != nil {
			return listing{}, err
		}
		next := r.field("next")
		if out.more = next.kind != aNull; !out.more || w.limit > 0 && len(out.rows) >= w.limit {
			return out, nil
		}
		if next.text == cursor {
			return listing{}, &refusal{l, "KVD.LOSSES", errors.New("the answer says that there is more, and not where")}
		}
		cursor = next.text
	}
}

// take adds a page.
func (g *listing) take(l *leader, r reply, first bool) error {
	v, err := voiceOf(l, "KVD.LOSSES", r)
	if err != nil {
		return err
	}
	g.moved = g.moved || !first && v.applied.Compare(g.applied) != logical.Equal
	g.voice, g.now, g.evicted = v, r.field("now").number, r.field("evicted").number
	for _, item := range r.field("rows").items {
		one, err := rowOf(item)
		if err != nil {
			return &refusal{l, "KVD.LOSSES", fmt.Errorf("the answer cannot be read: %w", err)}
		}
		g.rows = append(g.rows, one)
	}
	return nil
}

// lossList is what all leaders said.
type lossList struct {
	losses  []loss
	differs []string
	more    bool
	missing []absentee
}

// mergedLosses merges what leaders said. Of those that have more than was asked for,
// only what all were asked about is taken, or the rest would seem to differ.
func mergedLosses(said []listing, missing []absentee, w wanted) lossList {
	out := lossList{missing: missing}
	last, bounded := horizon(said, w.limit)
	out.more = bounded
	texts := map[place]row{}
	var answers []ledger.Answer
	for i, g := range said {
		a := ledger.Answer{Leader: g.name, Applied: g.applied, Evicted: uint64(g.evicted)}
		if g.moved {
			// What was read at several moments agrees with nobody's one moment.
			a.Applied = logical.FrontierOf(logical.Dot{Origin: ^logical.Origin(i), Seq: 1})
		}
		if w.back > 0 || w.since > 0 {
			a.Evicted++ // each leaves out by its own clock what another may have
		}
		for _, r := range g.rows {
			if bounded && r.at().compare(last) > 0 {
				continue
			}
			a.Rows = append(a.Rows, ledger.LossRecord{Loss: r.Loss})
			if _, has := texts[r.at()]; !has {
				texts[r.at()] = r
			}
		}
		answers = append(answers, a)
	}
	merged := ledger.Merge(answers)
	for _, f := range merged.Rows {
		out.losses = append(out.losses, loss{texts[placeOf(&f.Loss)], f.By})
	}
	slices.SortStableFunc(out.losses, func(a, b loss) int { return a.at().compare(b.at()) })
	for _, d := range merged.Differences {
		out.differs = append(out.differs, printable(sentence.Difference(&d)))
	}
	return out
}

// horizon is the last place that every leader was asked about, if there are rows
// behind it.
func horizon(said []listing, limit int) (last place, bounded bool) {
	var all []place
	for _, g := range said {
		for _, r := range g.rows {
			all = append(all, r.at())
		}
		if n := len(g.rows); g.more && n > 0 && (!bounded || g.rows[n-1].at().compare(last) < 0) {
			last, bounded = g.rows[n-1].at(), true
		}
	}
	slices.SortFunc(all, place.compare)
	all = slices.Compact(all)
	if limit > 0 && len(all) > limit && (!bounded || all[limit-1].compare(last) < 0) {
		last, bounded = all[limit-1], true
	}
	return last, bounded
}

func losses(k *call) error {
	w, err := k.wants()
	if err != nil {
		return err
	}
	if k.Bool("follow") {
		return k.follow(w)
	}
	said, missing, err := gather(k, k.ledgerOf(w), func(g listing) string { return g.name })
	if err != nil {
		return err
	}
	list := mergedLosses(said, missing, w)
	if err := k.putLosses(list); err != nil {
		return err
	}
	k.sayLosses(list, said, w)
	return k.verdict(ending{differs: list.differs, missing: missing})
}

// putLosses prints them: as JSON all in one object, else one after another.
func (k *call) putLosses(list lossList) error {
	if k.out.name == "json" {
		list.losses = append([]loss{}, list.losses...)
		return k.out.put(list)
	}
	k.out.list()
	for _, l := range list.losses {
		if err := k.out.put(l); err != nil {
			return err
		}
	}
	if k.out.name == "jsonl" && len(list.missing)+len(list.differs) > 0 {
		list.losses = nil
		return k.out.put(list)
	}
	return nil
}

func (k *call) sayLosses(list lossList, said []listing, w wanted) {
	if w.back > 0 {
		k.say("since " + w.back.String() + " ago, by each leader's own clock")
	}
	if list.more {
		k.say("there are more; --limit 0 prints all")
	}
	if len(list.losses) == 0 && !list.more {
		under, unless := "", ""
		if w.resolver != "" && w.resolver != "all" {
			under, unless = " under "+w.resolver, "; they record those of resolvers that serve, or watch (kvd serve --shadow)"
		}
		k.say("no losses" + under + ", at " + series(shownAll(voices(said))) + unless)
	}
	k.sayEvicted(said)
}

// sayEvicted says who gave up how much, in one line for leaders that gave up as much.
func (k *call) sayEvicted(said []listing) {
	for i, g := range said {
		as := func(o listing) bool { return o.evicted == g.evicted }
		if g.evicted == 0 || slices.ContainsFunc(said[:i], as) {
			continue
		}
		equals := slices.DeleteFunc(slices.Clone(said), func(o listing) bool { return !as(o) })
		has := " has given up "
		if len(equals) > 1 {
			has = " have each given up "
		}
		k.say(series(shownAll(voices(equals))) + has + count(int(g.evicted), "row") + " of the ledger, the oldest; kv audit counts them")
	}
}

func voices(said []listing) []string {
	var all []string
	for _, g := range said {
		all = append(all, g.name)
	}
	return all
}
