package main

import (
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// counts lets the actor audit lww: accepted, live and superseded.
// TestAuditOfNothing: no balances are no empty line.
func TestAuditOfNothing(t *testing.T) {
	a := newActor(t, "n1")
	a.on("KVD.AUDIT", string(dict(pair("leader", word("n1")), pair("applied", word(much)), pair("keys", number(0)), pair("balances", several()), pair("gaps", several()),
		pair("skipped", several()), pair("stray", number(0)), pair("text", word("")))))
	if o := kv(t, []*actor{a}, "audit"); o.code != codeOK || o.out != "n1 counts, over 0 keys\n" {
		t.Errorf("exit code %d, %q %s", o.code, o.out, o.errs)
	}
}

func (a *actor) counts(applied string, accepted, live, superseded, holds int64) *actor {
	zero := number(0)
	return a.on("KVD.AUDIT", string(dict(pair("leader", word(a.name)), pair("applied", word(applied)), pair("keys", number(2)),
		pair("balances", several(dict(pair("resolver", word("lww")), pair("accepted", number(accepted)), pair("live", number(live)), pair("superseded", number(superseded)),
			pair("inverted", zero), pair("concurrent", zero), pair("evicted", zero), pair("none", zero), pair("two", zero), pair("beyond", zero), pair("holds", number(holds))))),
		pair("gaps", several(dict(pair("key", word("\xff")), pair("dot", word(dotA)), pair("resolver", word("lww")), pair("states", several()), pair("text", word("a gap"))))),
		pair("skipped", several()), pair("stray", zero), pair("text", word("lww as counted\n")))))
}

func TestAuditIsOneTextWhereAllCountTheSame(t *testing.T) {
	all := trio(t)
	for _, a := range all {
		a.counts(much, 5, 2, 3, 1)
	}
	o := kv(t, all, "audit", "--prefix", "p", "--sample", "7")
	o.is(t, codeOK)
	if o.out != "n1, n2 and n3 count the same, over 2 keys:\nlww as counted\n" {
		t.Errorf("prints %q", o.out)
	}
	if got := all[1].asked("KVD.AUDIT"); got[0] != "PREFIX p SAMPLE 7" {
		t.Errorf("asked %q", got)
	}
	kv(t, all, "audit", "-o", "table").is(t, codeOK, "n2      lww       5         2     3           0         0           0        0     0    0       true\n")
	kv(t, all, "audit", "-o", "json").is(t, codeOK, `{"holds":true,"audits":[{"leader":"n1",`, `"gaps":[{"key":{"value":"/w==","enc":"base64"},"dot":"`+dotA+`"`)
}

func TestAuditThatDoesNotBalance(t *testing.T) {
	all := trio(t)[:2]
	all[0].counts(much, 5, 2, 3, 1)
	all[1].counts(much, 5, 2, 2, 0)
	o := kv(t, all, "audit")
	o.is(t, codeDiffers, "n1 counts, over 2 keys:", "n2: lww does not add up", "n2 accepted 5, live 2, superseded 2")
	o.told(t, "it does not add up")
	all[1].counts(much, 4, 2, 2, 1) // adds up by itself
	kv(t, all, "audit").is(t, codeDiffers, "n2 accepted 4, live 2, superseded 2")
	all[1].counts(little, 4, 2, 2, 1) // and has not applied the same
	kv(t, all, "audit").is(t, codeOK, "n2 is behind: it lacks 4 ops that n1 has applied: their counts cannot be compared")
}

func TestAuditWhereNotAllAnswer(t *testing.T) {
	all := []*actor{newActor(t, "n1").counts(much, 5, 2, 3, 1), gone(t), newActor(t, "n3").on("KVD.AUDIT", "-BUSY another audit runs\r\n")}
	o := kv(t, all, "audit")
	o.is(t, codeGone, "n1 counts, over 2 keys:\nlww as counted\n")
	o.told(t, "connection refused", "BUSY another audit runs")
	kv(t, all[2:], "audit").is(t, codeGone)
	strange := newActor(t, "n1").on("KVD.AUDIT", string(dict(pair("leader", word("n1")), pair("applied", word(much)),
		pair("balances", several(dict(pair("resolver", word("newest"))))))))
	kv(t, []*actor{strange}, "audit").is(t, cliutil.Failed)
}

// advises lets the actor say what would be better for a prefix.
func (a *actor) advises(applied, prefix, better string) *actor {
	return a.on("KVD.ADVISE", string(dict(pair("leader", word(a.name)), pair("applied", word(applied)), pair("advice", several(dict(
		pair("prefix", word(prefix)), pair("serving", word("lww")), pair("better", word(better)), pair("sentence", word("3 writes lost under lww.")),
		pair("evidence", several(word("9 writes accepted")))))))))
}

func TestAdviceIsMergedByPrefix(t *testing.T) {
	all := trio(t)
	for _, a := range all {
		a.advises(much, "cart:", "siblings")
	}
	o := kv(t, all, "advise", "cart:", "user:")
	o.is(t, codeOK)
	if o.out != "\"cart:\": 3 writes lost under lww.\n    9 writes accepted\n    so says n1, n2 and n3\n" {
		t.Errorf("prints %q", o.out)
	}
	if got := strings.Join(all[2].asked("KVD.ADVISE"), ""); got != "PREFIX cart: PREFIX user:" {
		t.Errorf("asked %q", got)
	}
	kv(t, all, "advise", "-o", "json").is(t, codeOK, `{"advice":[{"prefix":"cart:","serving":"lww","better":"siblings",`, `"leaders":["n1","n2","n3"]}],"differences":[],"missing":[]}`)

	all[1].advises(little, "cart:", "counter") // it is behind
	kv(t, all, "advise", "-o", "table").is(t, codeOK, `"cart:"  lww      siblings  n1 n3`, `"cart:"  lww      counter   n2`)
	all[1].advises(much, "cart:", "counter")
	kv(t, all, "advise").is(t, codeDiffers)
	kv(t, append(all, gone(t)), "advise").is(t, codeDiffers)
	all[1].advises(much, "cart:", "siblings")
	kv(t, append(all, gone(t)), "advise").is(t, codeGone)
}

// at lets the actor say how far it is, and answer nothing else.
func (a *actor) at(percent int64) *actor {
	return a.does("KVD.AUDIT", func(args []string) string {
		if args[1] != "PROGRESS" {
			return ""
		}
		return string(dict(pair("leader", word(a.name)), pair("running", number(1)), pair("done", number(percent)), pair("of", number(100)), pair("steps", number(percent))))
	}).does("KVD.ADVISE", func([]string) string { return "" })
}

// TestAnAuditThatIsGivenUpSaysHowFarItWas.
func TestAnAuditThatIsGivenUpSaysHowFarItWas(t *testing.T) {
	a := newActor(t, "n1").at(45)
	o := patiently(t, says("it was at 45 %"), func(timeout string) outcome {
		return kv(t, []*actor{a}, "audit", "--prefix", "x", "--timeout", timeout)
	})
	o.is(t, cliutil.Unreachable)
	o.told(t, "no answer in ", "it was at 45 %", "--sample 100", "a longer --timeout")
}
