package main

import (
	"encoding/json"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
)

const (
	dotA = "00000000000000aa-1"
	dotB = "00000000000000bb-1"
)

// tells lets the actor tell a key's story. Applied is like "{00000000000000aa:1}".
func (a *actor) tells(applied, text string, lost int64, values ...string) *actor {
	var shown []part2
	for _, v := range values {
		shown = append(shown, word(v))
	}
	return a.on("KVD.WHY", string(dict(pair("leader", word(a.name)), pair("applied", word(applied)), pair("key", word("x")), pair("serving", word("lww")),
		pair("values", several(shown...)), pair("lost", number(lost)),
		pair("groups", several(dict(pair("resolver", word("lww")), pair("serving", number(1)), pair("relation", word("inverted")), pair("leader", word("n2")), pair("winner", word(dotA)),
			pair("writes", number(lost)), pair("from", number(1)), pair("to", number(2))))), pair("text", word(text+"\n")), pair("tree", word("x (lww)\n└─ "+text+"\n")))))
}

const (
	little = "{00000000000000aa:1}"
	much   = "{00000000000000aa:3 00000000000000bb:2}"
)

func trio(t *testing.T) []*actor {
	return []*actor{newActor(t, "n1"), newActor(t, "n2"), newActor(t, "n3")}
}

func TestWhyIsOneStoryWhereAllTellTheSame(t *testing.T) {
	all := trio(t)
	for _, a := range all {
		a.tells(much, "x is 1, because", 1, "1")
	}
	o := kv(t, all, "why", "x")
	o.is(t, codeOK)
	if o.out != "x is 1, because\n" {
		t.Errorf("prints %q", o.out)
	}
	all[0].tells(much, "x is 1, because", 2000, "1")
	o = kv(t, all[:1], "why", "x")
	o.is(t, codeOK)
	o.told(t, "kv losses --prefix x --resolver all lists every one of the 2000 lost writes")
	kv(t, all[:1], "why", "x", "-o", "json").is(t, codeOK, `"groups":[{"resolver":"lww","serving":true,"relation":"inverted","leader":"n2","winner":"`+dotA+`","writes":2000,"from":1,"from_time":"1970-01-01T00:00:00.000000001Z"`)
	all[0].tells(much, "x is 1, because", 1, "1")
	kv(t, all, "why", "x", "--tree").is(t, codeOK, "x (lww)\n└─ x is 1")
	kv(t, all, "why", "x", "-o", "table").is(t, codeOK, "leader  serving", "n2      lww      1       1     0      0       true")
}

func TestWhyNamesWhoIsBehind(t *testing.T) {
	all := trio(t)
	all[0].tells(little, "x is 0", 0, "0")
	all[1].tells(much, "x is 1, because", 1, "1")
	all[2].tells("{00000000000000bb:1}", "x is 1, because", 1, "1")
	kv(t, all, "why", "x").is(t, codeOK, "x is 1, because\n", "so says n2",
		"n1 is behind: it lacks 4 ops that n2 has applied; it shows 0 by lww, and knows of 0 lost writes")
	o := kv(t, all, "why", "x", "-o", "json")
	o.is(t, codeOK)
	var got struct {
		Leader  string
		Leaders []struct {
			Leader        string
			Lacks, Beyond int
			Same          bool
		}
	}
	if err := json.Unmarshal([]byte(o.out), &got); err != nil || got.Leader != "n2" || len(got.Leaders) != 3 || got.Leaders[0].Same || got.Leaders[0].Lacks != 4 || !got.Leaders[2].Same {
		t.Errorf("%s: %v", o.out, err)
	}
}

func TestWhyFailsWhereLeadersDisagreeWithoutReason(t *testing.T) {
	all := trio(t)
	all[0].tells(much, "x is 1", 1, "1")
	all[1].tells(much, "x is 2", 1, "2")
	all[2].tells(much, "x is 1", 1, "1")
	o := kv(t, all, "why", "x")
	o.is(t, codeDiffers, "x is 1\n", "n2 has applied the same as n1; it shows 2")
	o.told(t, "leaders disagree")
}

func TestWhyAnswersWithoutThoseThatAreAway(t *testing.T) {
	all := []*actor{newActor(t, "n1").tells(much, "x is 1", 0, "1"), gone(t), newActor(t, "old")}
	o := kv(t, all, "why", "x")
	o.is(t, codeGone, "x is 1\n")
	o.told(t, "could not be asked", all[1].addr, "connection refused", "does not have the command")
	o = kv(t, all, "why", "x", "-o", "json")
	o.is(t, codeGone, `"missing":[{"leader":"`+all[1].addr+`","addr":"`+all[1].addr+`","why":"`)
	o = kv(t, all, "why", "x", "--missing-ok")
	o.is(t, codeOK, "x is 1\n")
	o.told(t, "left out: "+all[1].addr, "connection refused")
	// Whom the cluster has forgotten is not missed.
	all[0].on("KVD.FORGOTTEN", string(several(dict(pair("name", word(all[1].addr)), pair("since", number(1))))))
	o = kv(t, all[:2], "why", "x")
	o.is(t, codeOK, "x is 1\n")
	o.told(t, "1 leader of the context is forgotten and not asked")
	o = kv(t, all[1:2], "why", "x")
	o.is(t, codeGone)
	kv(t, []*actor{gone(t), gone(t)}, "why", "x").told(t, "no leader answered")
	kv(t, all[:1], "why", "x", "--only").is(t, codeOK, "x is 1")
}

func TestWhyOfNothing(t *testing.T) {
	kv(t, []*actor{newActor(t, "n1").tells(little, "x holds nothing here", 0)}, "why", "x").is(t, codeAbsent, "x holds nothing")
	kv(t, []*actor{newActor(t, "n1").tells(little, "x was lost", 1)}, "why", "x").is(t, codeOK)
	o := kv(t, []*actor{newActor(t, "n1")}, "why", "")
	o.is(t, cliutil.Misused)
	o.told(t, "no key is empty")
}

// judges lets the actor judge a dot: verdicts are "lww live" or "lww lost inverted DOT".
func (a *actor) judges(applied, known string, verdicts ...string) *actor {
	var all []part2
	for i, v := range verdicts {
		w := append(strings.Fields(v), "", "")
		by := word(w[3])
		if w[3] == "" {
			by = null()
		}
		all = append(all, dict(pair("resolver", word(w[0])), pair("serving", number(int64(1-min(i, 1)))), pair("state", word(w[1])),
			pair("relation", word(w[2])), pair("by", by), pair("text", word("so it is"))))
	}
	return a.on("KVD.FATE", string(dict(pair("leader", word(a.name)), pair("applied", word(applied)), pair("dot", word(dotA)), pair("known", word(known)),
		pair("key", word("x")), pair("value", word("\x00\xff")), pair("text", word("the fate as "+a.name+" has it\n")), pair("verdicts", several(all...)))))
}

func TestFateIsOneTable(t *testing.T) {
	all := trio(t)
	all[0].judges(little, "here", "lww live", "hlc live")
	all[1].judges(much, "here", "lww lost inverted "+dotB, "hlc live")
	all[2].judges("{}", "unknown-origin")
	o := kv(t, all, "fate", dotA)
	o.is(t, codeOK, "the fate as n2 has it\n", "n1 is behind: it lacks 4 ops that n2 has applied; under lww it says live\n", "n3 has never heard of whoever accepted it\n")
	o.told(t, "kv restore "+dotA)
	kv(t, all, "fate", dotA, "-o", "table").is(t, codeOK, "lww       true     lost   inverted  "+dotB+"  n2\n", "lww       true     live                                 n1\n", "n1 n2\n")
	kv(t, all, "fate", dotA, "-o", "json").is(t, codeOK, `"value":{"value":"AP8=","enc":"base64"}`, `"leaders":["n1","n2"]`, `"known":"unknown-origin"`)
	if raw := kv(t, all, "fate", dotA, "-o", "raw").out; raw != "lost\n" {
		t.Errorf("raw is %q", raw)
	}
	all[2].judges(little, "ahead")
	kv(t, all, "fate", dotA).is(t, codeOK, "n3 has not applied it yet\n")
}

func TestFateDisputed(t *testing.T) {
	all := trio(t)[:2]
	all[0].judges(much, "here", "lww live")
	all[1].judges(much, "here", "lww superseded")
	kv(t, all, "fate", dotA).is(t, codeDiffers, "n2 has applied the same as n1; under lww it says superseded")
}

// TestFateFromALedger: what every log has forgotten is told from a ledger, and a
// leader that still has the write in its log goes first.
func TestFateFromALedger(t *testing.T) {
	all := trio(t)
	all[0].judges(little, "forgotten")
	all[1].judges(little, "forgotten", "lww lost inverted "+dotB, "hlc unclear")
	all[2].judges(much, "forgotten", "lww lost inverted "+dotB, "hlc unclear")
	o := kv(t, all, "fate", dotA)
	o.is(t, codeOK, "the fate as n3 has it\n", "n1 has applied it, and its log no longer holds it\n", "n2 has applied it, and its log no longer holds it\n")
	o.told(t, "kv restore "+dotA)
	kv(t, all, "fate", dotA, "-o", "table").is(t, codeOK, "lww       true     lost     inverted  "+dotB+"  n2 n3\n")
	all[0].judges(much, "here", "lww lost inverted "+dotB, "hlc live")
	o = kv(t, all, "fate", dotA)
	o.is(t, codeOK, "the fate as n1 has it\n")
	if strings.Contains(o.out, "under hlc") {
		t.Errorf("what a log cannot tell any more is held against another: %q", o.out)
	}
	all[0].judges(much, "here", "lww live", "hlc live")
	kv(t, all, "fate", dotA).is(t, codeDiffers, "n3 has applied the same as n1; under lww it says lost, inverted")
}

func TestFateOfWhatNobodyKnows(t *testing.T) {
	all := []*actor{newActor(t, "n1").judges(little, "unknown-origin"), newActor(t, "n2").judges(little, "forgotten")}
	kv(t, all, "fate", dotA).is(t, codeAbsent, "n1 has never heard", "n2 has applied it, and its log no longer holds it")
	kv(t, append(all, gone(t)), "fate", dotA).is(t, codeGone)
	o := kv(t, all, "fate", "x")
	o.is(t, 2)
	o.told(t, "is no dot")
	kv(t, all, "fate", dotA).told(t, "next: kv losses, kv history KEY and kv set --dot print dots")
}
