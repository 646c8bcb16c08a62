package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/ledger"
)

func restoreSpec() spec {
	return spec{name: "restore", usage: "write a lost value again", args: "DOT", least: 1, most: 1, writes: true, do: restore,
		about: `The leader of -n is asked first, or else the context's first. It writes the value over
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
		flags: []cli.Flag{sessionFlag(), &cli.BoolFlag{Name: "force", Usage: "write even if it would lose again"}, onlyFlag(), missingFlag()}}
}

// refused is a leader that did not restore, and so wrote nothing.
type refused struct {
	by  *leader
	err error
}

// code is the first word of a leader's refusal; empty: it did not answer.
func code(err error) string {
	var said redis.Error
	if !errors.As(err, &said) {
		return ""
	}
	word, _, _ := strings.Cut(said.Error(), " ")
	return word
}

// unsent reports whether the connection could not be made, so that nothing was
// done.
func unsent(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
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
	words := append([]string{"KVD.RESTORE", dot}, tokenWords(k.session.seenToken())...)
	if k.Bool("force") {
		words = append(words, "FORCE")
	}
	var no []refused
	for _, l := range leaders {
		r, err := l.do(k.ctx(), words...)
		if err == nil {
			k.sayPassedOver(no)
			return k.restored(l, r)
		}
		if !passable(err) {
			return err
		}
		no = append(no, refused{l, err})
	}
	return k.unrestored(no)
}

// inTurn is all leaders, the one that is named first.
func (k *call) inTurn() ([]*leader, error) {
	if strings.Contains(k.node, ",") || k.Bool("only") {
		return k.everyone()
	}
	first, err := k.leader()
	if err != nil {
		return nil, err
	}
	all, err := k.all()
	order := []*leader{first}
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
	switch code(err) {
	case "BEATEN", "UNKNOWN", "FORGOTTEN", "NOLEDGER":
		return true
	}
	return unsent(err) || unknown(err)
}

func (k *call) sayPassedOver(no []refused) {
	for _, r := range no {
		k.say(absenteeOf(r.by, r.err).String() + " did not: " + because(r.err))
	}
}

// because is a refusal for people: without BEATEN's number.
func because(err error) string {
	if _, text, ok := beaten(err); ok {
		return text
	}
	return absenteeOf(&leader{}, err).Why
}

// beaten reads BEATEN <ns until it would win> sentence.
func beaten(err error) (until time.Duration, text string, ok bool) {
	var said redis.Error
	if !errors.As(err, &said) || code(err) != "BEATEN" {
		return 0, "", false
	}
	_, rest, _ := strings.Cut(said.Error(), " ")
	number, text, _ := strings.Cut(rest, " ")
	ns, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, printable(rest), true
	}
	return time.Duration(ns), printable(text), true
}

// unrestored says why nobody did it: beaten where any is, since that passes with
// time; then whoever was not there; then that nobody knows the write.
func (k *call) unrestored(no []refused) error {
	var whys []string
	var soonest *refused
	var wait time.Duration
	p := &cliutil.Problem{What: k.subject(), Code: cliutil.Absent, Next: "ask the leader that accepted it; kv fate DOT says who has heard of it"}
	for i, r := range no {
		whys = append(whys, r.by.String()+": "+because(r.err))
		until, _, lost := beaten(r.err)
		switch {
		case lost && (soonest == nil || until < wait):
			soonest, wait = &no[i], until
		case unsent(r.err):
			p.Code, p.Next = cliutil.Unreachable, "ask again when all are there"
		case unknown(r.err) && p.Code != cliutil.Unreachable:
			p.Code, p.Next = cliutil.Failed, "ask a newer server: kv restore DOT -n LEADER"
		}
	}
	p.Why = strings.Join(whys, "\n      ")
	if soonest != nil {
		p.What += ": the restored write would lose again"
		p.Code = cliutil.Differs
		p.Next = fmt.Sprintf("in %s, at %s by this machine's clock: kv restore %s -n %s; or now with --force",
			roundUp(wait), time.Now().Add(wait).Format("15:04:05"), k.Args().First(), printable(soonest.by.Name))
	}
	if len(no) == 1 && unsent(no[0].err) {
		return no[0].err
	}
	return p
}

// lostAgain says what beat the restored write, and when it would not. The new write
// is the one to restore then: who has seen it has seen the old one too.
func (k *call) lostAgain(leader, dot string, r reply) error {
	next := fmt.Sprintf("kv restore %s", dot)
	if until := time.Duration(r.field("until").number); until > 0 {
		next = fmt.Sprintf("in %s, at %s by this machine's clock: kv restore %s -n %s; or now at a leader whose clock is further on",
			roundUp(until), time.Now().Add(until).Format("15:04:05"), dot, printable(leader))
	}
	return &cliutil.Problem{What: fmt.Sprintf("%s: %s wrote it again as %s, and that was lost as well", k.subject(), printable(leader), dot),
		Why: printable(r.field("text").text), Next: next, Code: cliutil.Differs}
}

// roundUp never says that it is sooner than it is.
func roundUp(d time.Duration) time.Duration {
	const step = time.Millisecond
	return (d + step - 1) / step * step
}

// restored prints what was written, and lets the session know. What was written and
// lost again is no success.
func (k *call) restored(l *leader, r reply) error {
	key, value, dot, token := r.field("key").text, r.field("value"), r.field("dot").text, r.field("token").text
	over := r.field("over").texts()
	name := r.field("leader").text
	if name == "" {
		name = l.Name
	}
	if r.field("state").text == ledger.Lost.String() {
		if err := k.session.shownBy(token); err != nil {
			return err
		}
		return k.lostAgain(name, dot, r)
	}
	text := fmt.Sprintf("%s is %s again, written at %s\ndot %s\nover %s", k.out.show(key), k.out.show(cut(value.text)), printable(name), dot, strings.Join(over, " "))
	err := k.out.put(facts{say: text, bare: dot, all: []fact{
		truthFact("ok", true), wordFact("leader", name), keyFact(key), replyFact("value", value), wordFact("restored", r.field("restored").text),
		wordFact("dot", dot), listFact("over", over), wordFact("token", token), truthFact("retry", truth(r.field("retry"))),
	}})
	return errors.Join(err, k.session.shownBy(token))
}
