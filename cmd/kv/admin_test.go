package main

import (
	"slices"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// tellsOfTwice lets the actor tell of a shared origin and of a dot with two contents.
func (a *actor) tellsOfTwice(refuses bool) *actor {
	content := func(key, value string) part2 {
		return dict(pair("key", word(key)), pair("kind", word("put")), pair("value", word(value)))
	}
	why := several()
	if refuses {
		why = several(dict(pair("cause", word("shared-origin")), pair("detail", word("n1 and n2 both hold it"))))
	}
	return a.on("KVD.CONFLICTS", string(dict(pair("leader", word(a.name)), pair("applied", word(much)), pair("origin", word("000000000000fade")), pair("refuses", why),
		pair("total", number(1)), pair("open", number(1)), pair("omitted", number(0)), pair("next", word("")),
		pair("conflicts", several(dict(pair("dot", word(dotA)), pair("leader", word("n1")), pair("settled", word("")),
			pair("here", content("x", "one")), pair("there", content("y", "other"))))))))
}

// What both wrote under one dot is listed with both contents, and what is in order but
// for that is not.
func TestConflictsAreTold(t *testing.T) {
	all := trio(t)[:2]
	for _, a := range all {
		a.counts(much, 5, 2, 3, 1)
	}
	kv(t, all, "audit").is(t, codeOK) // leaders of another age do not know the question
	all[0].tellsOfTwice(true)
	o := kv(t, all, "audit")
	o.is(t, codeDiffers, "n1 takes no writes: n1 and n2 both hold it", "n1 has 1 write whose dot another leader has given to something else, the first "+dotA+" of x")
	o = kv(t, all[:1], "admin", "conflicts")
	o.is(t, codeOK, dotA+"\n  at n1   put of x: one\n  elsewhere   put of y: other\n")
	kv(t, all[:1], "admin", "conflicts", "-o", "json").is(t, codeOK, `"dot":"`+dotA+`","accepted_by":"n1","leader":"n1","settled":"","here":{"key":"x","kind":"put","value":{"value":"one"`)
}

func TestNewOriginNamesItsLeader(t *testing.T) {
	a := newActor(t, "n1").on("KVD.NEWORIGIN", string(dict(pair("leader", word("n1")), pair("origin", word("000000000000fade")))))
	kv(t, []*actor{a}, "admin", "new-origin").is(t, codeOK, "n1 leaves origin 000000000000fade and begins a new one")
}

// Right after its voters are named, a quorum has no leader yet.
func TestAQuorumSaysWhoLeads(t *testing.T) {
	for leads, says := range map[string]string{"n2": "n1 n2 decide about locks; n2 leads as far as", "": "n1 n2 decide about locks; nobody leads as far as"} {
		a := newActor(t, "n1").on("KVD.QUORUM", string(dict(pair("voters", part2(array(string(word("n1")), string(word("n2"))))), pair("leads", word(leads)), pair("epoch", number(1)), pair("locks", number(0)))))
		kv(t, []*actor{a}, "admin", "quorum").is(t, codeOK, says)
	}
}

// accepts lets the actor settle what it is asked to.
func (a *actor) accepts() *actor {
	return a.does("KVD.ACCEPT", func(args []string) string {
		return string(dict(pair("leader", word(a.name)), pair("key", word("x")), pair("accepted", word(args[1])), pair("dot", word(dotB))))
	})
}

// asked is what the actor was asked to accept.
func (a *actor) askedToAccept() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, args := range a.heard {
		if args[0] == "KVD.ACCEPT" {
			all = append(all, strings.Join(args[1:], " "))
		}
	}
	return all
}

// A dot is settled by choosing a content, or by what its keys show; all that are open
// by one word, where what is newer stays.
func TestADotIsSettled(t *testing.T) {
	for _, c := range []struct{ args, asked, says string }{
		{"accept " + dotA + " there", dotA + " there", dotA + " is settled; x is written again as " + dotB},
		{"settle " + dotA, dotA + " SHOWN", dotA + " is settled"},
		{"accept --all here", dotA + " here NEWER", "1 dot settled"},
	} {
		a := newActor(t, "n1").tellsOfTwice(false).accepts()
		o := kv(t, []*actor{a}, append([]string{"admin"}, strings.Fields(c.args)...)...)
		if o.is(t, codeOK); !strings.Contains(o.out+o.errs, c.says) || !slices.Equal(a.askedToAccept(), []string{c.asked}) {
			t.Errorf("kv admin %s says %q and %q, and asks for %q", c.args, o.out, o.errs, a.askedToAccept())
		}
	}
	for _, args := range []string{"accept here", "accept --all " + dotA + " here"} {
		kv(t, []*actor{newActor(t, "n1")}, append([]string{"admin"}, strings.Fields(args)...)...).is(t, cliutil.Misused)
	}
}
