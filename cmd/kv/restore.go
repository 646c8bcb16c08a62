package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/answers"
)

func restoreSpec() invoke.Spec {
	return invoke.Spec{Name: "restore", Usage: "write a lost value again", Args: "DOT", Least: 1, Most: 1, Writes: true, Do: on(restore),
		About: `The leader of -n is asked first, or else the context's first. It writes the value over
exactly what the key shows there; what arrives meanwhile stays. A leader whose clock
is behind the value that won cannot do it, since the new write would lose as well:
then the others are asked, and one whose clock is far enough ahead does it. If none
is, kv says until when (exit code 4); --force writes all the same, and fails as well
(4) if what it wrote was lost again. A leader that does not know the write is passed
over (3 if none does). A write is never sent again when no answer came.

Examples:
   kv losses                                  prints the dots of lost writes
   kv restore 00c0ffee00c0ffee-17             at the first leader that can
   kv restore 00c0ffee00c0ffee-17 --session ann -o raw     prints the dot of the new write`,
		Flags: []cli.Flag{sessionFlag(), &cli.BoolFlag{Name: "force", Usage: "write even if it would lose again"}, invoke.OnlyFlag(), invoke.MissingFlag()}}
}

func restore(k *call) error {
	dot, err := k.dotArg()
	if err != nil {
		return err
	}
	leaders, err := k.inTurn()
	if err != nil {
		return err
	}
	words := append([]string{"KVD.RESTORE", dot}, client.TokenWords(k.Session.SeenToken())...)
	if k.Bool("force") {
		words = append(words, "FORCE")
	}
	var no []client.Absentee // that did not restore, and so wrote nothing
	for _, l := range leaders {
		r, err := l.Do(k.Ctx(), words...)
		if err == nil {
			k.sayPassedOver(no)
			return k.restored(l, r)
		}
		if !passable(err) {
			return err
		}
		no = append(no, client.Absentee{Node: l.Node, Err: err})
	}
	return k.unrestored(no)
}

// inTurn is all leaders, the one that is named first.
func (k *call) inTurn() ([]*client.Leader, error) {
	if strings.Contains(k.Node, ",") || k.Bool("only") {
		return k.Everyone()
	}
	first, err := k.Leader()
	if err != nil {
		return nil, err
	}
	all, err := k.All()
	order := []*client.Leader{first}
	for _, l := range all {
		if l != first {
			order = append(order, l)
		}
	}
	return order, err
}

// passable reports whether another leader may do what this one did not, and this
// one certainly did nothing.
func passable(err error) bool {
	switch client.Code(err) {
	case "BEATEN", "UNKNOWN", "FORGOTTEN", "NOLEDGER":
		return true
	}
	return client.Unsent(err) || client.Unknown(err)
}

func (k *call) sayPassedOver(no []client.Absentee) {
	for _, r := range no {
		k.Say(r.String() + " did not: " + because(r.Err))
	}
}

// because is a refusal for people: without BEATEN's number.
func because(err error) string {
	if _, text, ok := client.Beaten(err); ok {
		return show.Printable(text)
	}
	return show.ReasonOf(err)
}

// unrestored says why nobody did it: beaten where any is, since that passes with
// time; then whoever was not there; then that nobody knows the write.
func (k *call) unrestored(no []client.Absentee) error {
	var whys []string
	var soonest *client.Absentee
	var wait time.Duration
	p := &cliutil.Problem{What: k.Subject(), Code: cliutil.Absent, Next: "ask the leader that accepted it; kv fate DOT says who has heard of it"}
	for i, r := range no {
		whys = append(whys, r.String()+": "+because(r.Err))
		until, _, lost := client.Beaten(r.Err)
		switch {
		case lost && (soonest == nil || until < wait):
			soonest, wait = &no[i], until
		case client.Unsent(r.Err):
			p.Code, p.Next = cliutil.Unreachable, "ask again when all are there"
		case client.Unknown(r.Err) && p.Code != cliutil.Unreachable:
			p.Code, p.Next = cliutil.Failed, "ask a newer server: kv restore DOT -n LEADER"
		}
	}
	p.Why = strings.Join(whys, "\n      ")
	if soonest != nil {
		p.What += ": the restored write would lose again"
		p.Code = cliutil.Differs
		p.Next = later(wait, k.Args().First(), soonest.Name) + "; or now with --force"
	}
	if len(no) == 1 && client.Unsent(no[0].Err) {
		return no[0].Err
	}
	return p
}

// lostAgain says what beat the restored write, and when it would not. The new write
// is the one to restore then: who has seen it has seen the old one too.
func (k *call) lostAgain(leader, dot string, r client.Reply) error {
	next := "kv restore " + dot
	if until := time.Duration(r.Field("until").Int); until > 0 {
		next = later(until, dot, leader) + "; or now at a leader whose clock is further on"
	}
	return &cliutil.Problem{What: fmt.Sprintf("%s: %s wrote it again as %s, and that was lost as well", k.Subject(), show.Printable(leader), dot),
		Why: show.Printable(r.Field("text").Text), Next: next, Code: cliutil.Differs}
}

// later says when to restore a write, and never that it is sooner than it is.
func later(wait time.Duration, dot, leader string) string {
	const step = time.Millisecond
	return fmt.Sprintf("in %s, at %s by this machine's clock: kv restore %s -n %s", (wait+step-1)/step*step, time.Now().Add(wait).Format("15:04:05"), dot, show.Printable(leader))
}

// restored prints what was written, and lets the session know. What was written and
// lost again is no success.
func (k *call) restored(l *client.Leader, r client.Reply) error {
	key, value, dot, token := r.Field("key").Text, r.Field("value"), r.Field("dot").Text, r.Field("token").Text
	over := r.Field("over").Texts()
	name := cmp.Or(r.Field("leader").Text, l.Name)
	if answers.IsLost(r.Field("state").Text) {
		if err := k.Session.ShownBy(token); err != nil {
			return err
		}
		return k.lostAgain(name, dot, r)
	}
	text := fmt.Sprintf("%s is %s again, written at %s\ndot %s\nover %s", k.Out.Show(key), k.Out.Show(show.Cut(value.Text)), show.Printable(name), dot, strings.Join(over, " "))
	err := k.Out.Put(show.Facts(text, dot,
		show.TruthFact("ok", true), show.WordFact("leader", name), show.KeyFact(key), show.ReplyFact("value", value), show.WordFact("restored", r.Field("restored").Text),
		show.WordFact("dot", dot), show.ListFact("over", over), show.WordFact("token", token), show.TruthFact("retry", r.Field("retry").Truth())))
	return errors.Join(err, k.Session.ShownBy(token))
}
