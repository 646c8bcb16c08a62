package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

// aboutTwice is the way of an operator from a copied directory to the end of it.
const aboutTwice = "A directory or a machine that was copied, and both run, has given dots twice: to one write\nhere, to another there. To the end of it:\n" +
	"   kv admin new-origin -n NAME      both take no writes; let the copy begin anew\n" +
	"   kv wait --converged              says what is still open (4)\n" +
	"   kv admin conflicts               which dots, with both contents\n" +
	"   kv admin accept DOT here|there   choose; writes to two keys both stay\n" +
	"   kv admin settle DOT              or leave the key as it shows\n" +
	"   kv admin accept --all here       or all that are open at once\n" +
	"   kv wait --converged && kv audit && kv compare --prefix ''"

func adminCommand() *cli.Command {
	specs := []spec{
		{name: "new-origin", usage: "let a leader go on under a new origin", least: 0, most: 0, do: newOrigin,
			about: "For one of two leaders that have the same origin, because the one is a copy of the\nother: both take no writes until then. The leader ends and begins again at once, with all\nthat it has; clients connect again. -n says which one.\n\n" + aboutTwice},
		{name: "conflicts", usage: "list writes that have two contents under one dot", least: 0, most: 0, do: conflicts,
			about: "Such a dot was given twice, by a leader and its copy. Every log keeps the content it has,\nand what a leader was shown by another is kept beside it. Neither is merged: whoever knows\nwhich one is right says so with kv admin accept, or kv admin settle.\n" + aboutAsking + "\n\n" + aboutTwice,
			flags: []cli.Flag{onlyFlag(), missingFlag(), &cli.BoolFlag{Name: "settled", Usage: "those that are settled, too"}}},
	}
	specs = append(specs,
		spec{name: "accept", usage: "choose one content of a dot that has two", args: "DOT here|there", least: 1, most: 2, writes: true, do: acceptContent,
			about: "It is written again, over all that either content can have left, and goes to all leaders:\nthen they show the same, and the dot is settled everywhere. here is the content in the log\nof the leader that is asked, there the other's; -n says which leader. Where they are writes\nto two keys, both stay. A counter comes to what it comes to with the chosen addition and\nwithout the other.\n--all here or --all there chooses for every dot that is open at that leader; what a key was\ngiven since then stays.\n\n" + aboutTwice,
			flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "every dot that is open"}}},
		spec{name: "settle", usage: "leave the keys of a dot that has two contents as they show", args: "DOT", least: 1, most: 1, writes: true, do: settleDot,
			about: "What the leader that is asked shows is written again for all leaders, and the dot is\nsettled. For keys that were set anew since.\n\n" + aboutTwice})
	specs = append(specs, forgetSpec())
	c := &cli.Command{Name: "admin", Usage: "mend a cluster"}
	for _, s := range specs {
		s.under = c.Name
		c.Subcommands = append(c.Subcommands, s.command())
	}
	return c
}

// newOrigin is kv admin new-origin.
func newOrigin(k *call) error {
	if k.node == "" {
		return cliutil.Usage("kv admin new-origin needs to know which leader", "-n names it, and nobody is taken by default", "kv admin new-origin -n n2")
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := l.do(k.ctx(), "KVD.NEWORIGIN")
	if err != nil {
		return err
	}
	name, origin := r.field("leader").text, r.field("origin").text
	return k.out.put(facts{
		say: fmt.Sprintf("%s leaves origin %s and begins a new one", printable(name), printable(origin)), bare: origin,
		all: []fact{wordFact("leader", name), wordFact("left", origin)},
	})
}

// acceptContent is kv admin accept.
func acceptContent(k *call) error {
	l, err := k.leader()
	switch {
	case err != nil:
		return err
	case k.Bool("all") != (k.NArg() == 1):
		return cliutil.Usage("kv admin accept takes a dot and which of its contents, or --all and which", "read: "+strings.Join(k.Args().Slice(), " "),
			"kv admin accept --all here  chooses for every dot that is open")
	case k.Bool("all"):
		return k.acceptAll(l, k.Args().First())
	}
	return k.accept(l, k.Args().Get(0), k.Args().Get(1))
}

// settleDot is kv admin settle.
func settleDot(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	return k.accept(l, k.Args().First(), "SHOWN")
}

// accept settles a dot.
func (k *call) accept(l *leader, words ...string) error {
	r, err := l.do(k.ctx(), append([]string{"KVD.ACCEPT"}, words...)...)
	if err != nil {
		return err
	}
	key, settled, dot := r.field("key").text, r.field("accepted").text, r.field("dot").text
	return k.out.put(facts{
		say: fmt.Sprintf("%s is settled; %s is written again as %s", printable(settled), brief(key), printable(dot)), bare: dot,
		all: []fact{wordFact("leader", r.field("leader").text), wordFact("key", key), wordFact("settled", settled), wordFact("dot", dot)},
	})
}

// acceptAll settles every dot that is open at a leader. One that cannot be is passed
// over, and is what the command fails with in the end.
func (k *call) acceptAll(l *leader, which string) error {
	k.out.list()
	var failed error
	done := 0
	for after := ""; ; {
		words := []string{"KVD.CONFLICTS", "OPEN"}
		if after != "" {
			words = append(words, "AFTER", after)
		}
		page, err := l.do(k.ctx(), words...)
		if err != nil {
			return err
		}
		for _, c := range page.field("conflicts").items {
			var said redis.Error
			switch err := k.accept(l, c.field("dot").text, which, "NEWER"); {
			case errors.As(err, &said):
				failed = cmp.Or(failed, err)
			case err != nil:
				return err
			default:
				done++
			}
		}
		if after = page.field("next").text; after == "" {
			break
		}
	}
	k.say(fmt.Sprintf("%s settled", count(done, "dot")))
	return failed
}

// contested is a dot with two contents, as one leader tells.
type contested struct {
	Dot     string  `json:"dot"`
	By      string  `json:"accepted_by"` // the leader whose origin it is; empty: not known
	Leader  string  `json:"leader"`      // who tells
	Settled string  `json:"settled"`     // by which op; empty: by none
	Here    content `json:"here"`        // in its log
	There   content `json:"there"`       // in another's
}

type content struct {
	Key   keyName `json:"key"`
	Kind  string  `json:"kind"`
	Value *blob   `json:"value"` // null: a deletion
}

func contentOf(r reply) content {
	c := content{Key: keyName(r.field("key").text), Kind: r.field("kind").text}
	if v := r.field("value"); v.kind == aText {
		b := blobOf(v.text)
		c.Value = &b
	}
	return c
}

func (c content) show(r reply) string {
	if c.Value == nil {
		return fmt.Sprintf("%s of %s", printable(c.Kind), brief(string(c.Key)))
	}
	return fmt.Sprintf("%s of %s: %s", printable(c.Kind), brief(string(c.Key)), brief(r.field("value").text))
}

// contestedRow is one of them with what it was read from.
type contestedRow struct {
	contested
	here, there reply
}

func (c contestedRow) text(*printer) string {
	state := ""
	if c.Settled != "" {
		state = "  settled by " + printable(c.Settled)
	}
	return fmt.Sprintf("%s%s\n  at %s   %s\n  elsewhere   %s", printable(c.Dot), state, printable(c.Leader), c.Here.show(c.here), c.There.show(c.there))
}
func (c contestedRow) raw() string { return c.Dot }
func (c contestedRow) columns() []string {
	return []string{"dot", "leader", "settled", "here", "there"}
}
func (c contestedRow) cells() []string {
	return []string{printable(c.Dot), printable(c.Leader), printable(c.Settled), c.Here.show(c.here), c.There.show(c.there)}
}
func (c contestedRow) MarshalJSON() ([]byte, error) { return marshal(c.contested) }

// conflicts is kv admin conflicts.
func conflicts(k *call) error {
	words := []string{"KVD.CONFLICTS"}
	if !k.Bool("settled") {
		words = append(words, "OPEN")
	}
	said, missing, err := k.askAll(words...)
	if err != nil {
		return err
	}
	k.out.list()
	found := 0
	for _, a := range said {
		for page := a.reply; ; {
			for _, c := range page.field("conflicts").items {
				found++
				if err := k.out.put(contestedRowOf(a.name, c)); err != nil {
					return err
				}
			}
			after := page.field("next").text
			if after == "" {
				break
			}
			if page, err = k.moreConflicts(a.name, append(slices.Clone(words), "AFTER", after)); err != nil {
				return err
			}
		}
		if n := a.reply.field("omitted").number; n > 0 {
			k.say(omitted(a.name, n))
		}
	}
	nothing := ""
	if found == 0 {
		nothing = "no dot is known to have two contents"
		if !k.Bool("settled") {
			nothing += " and to be open; --settled lists the others"
		}
	}
	return k.verdict(ending{missing: missing, nothing: nothing, next: "they are compared as leaders meet; kv audit says more about each leader"})
}

func contestedRowOf(leader string, c reply) contestedRow {
	return contestedRow{contested{c.field("dot").text, c.field("leader").text, leader, c.field("settled").text, contentOf(c.field("here")), contentOf(c.field("there"))},
		c.field("here"), c.field("there")}
}

// omitted says that a leader found more than it kept.
func omitted(leader string, n int64) string {
	return fmt.Sprintf("%s found %s more than it keeps: settle what is listed, and start it again, so that the rest is found", printable(leader), count(int(n), "content"))
}

// moreConflicts asks the leader of that name for those after a dot.
func (k *call) moreConflicts(name string, words []string) (reply, error) {
	leaders, err := k.everyone()
	if err != nil {
		return reply{}, err
	}
	for _, l := range leaders {
		if l.Name == name || len(leaders) == 1 {
			return l.do(k.ctx(), words...)
		}
	}
	return reply{}, nil
}

// identityTroubles says where leaders have one origin, or dots two contents. A leader
// that cannot say is passed over: others say what is wrong with it.
func identityTroubles(ctx context.Context, leaders []*leader) []string {
	var troubles []string
	for _, l := range leaders {
		r, err := l.do(ctx, "KVD.CONFLICTS", "OPEN")
		if err != nil {
			continue
		}
		name := printable(r.field("leader").text)
		for _, why := range r.field("refuses").items {
			if why.field("cause").text == "shared-origin" {
				troubles = append(troubles, fmt.Sprintf("%s takes no writes: %s", name, printable(why.field("detail").text)))
			}
		}
		if n := r.field("omitted").number; n > 0 {
			troubles = append(troubles, omitted(r.field("leader").text, n))
		}
		if n := r.field("open").number; n > 0 {
			first := r.field("conflicts").items
			text := fmt.Sprintf("%s has %s whose dot another leader has given to something else", name, count(int(n), "write"))
			if len(first) > 0 {
				text += ", the first " + printable(first[0].field("dot").text) + " of " + brief(first[0].field("here").field("key").text)
			}
			troubles = append(troubles, text+"; kv admin conflicts names both contents of each, kv admin accept chooses one")
		}
	}
	return troubles
}

// twice is the failure of a command that found everything in order but that.
func (k *call) twice(troubles []string) error {
	if len(troubles) == 0 {
		return nil
	}
	return &cliutil.Problem{What: k.subject() + ": one origin is two leaders'", Why: strings.Join(troubles, "\n      "),
		Next: "kv admin new-origin -n NAME gives one of them a new origin; kv admin conflicts names what both wrote, and kv admin accept settles it", Code: cliutil.Differs}
}
