package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
)

// lossRow is a row of KVD.LOSSES: key, loser and what it lost to.
func lossRow(key, loser, winner, relation string, at int64) part2 {
	return dict(pair("resolver", word("lww")), pair("serving", number(1)), pair("relation", word(relation)), pair("class", word("deletion")), pair("key", word(key)),
		pair("loser", word(loser)), pair("winner", word(winner)), pair("at", number(at)), pair("error", number(5)), pair("value", word("v\x00")),
		pair("size", number(2)), pair("kind", word("put")), pair("delta", number(0)), pair("leader", word("n9")), pair("client", word("")),
		pair("wall", number(at)), pair("text", word("It lost.")))
}

// losesAs lets the actor answer KVD.LOSSES from rows, in pages, as the server does.
func (a *actor) loses(applied string, rows ...part2) *actor {
	return a.does("KVD.LOSSES", func(args []string) string {
		n, from := option(args, "COUNT"), option(args, "AFTER")
		end := min(from+n, len(rows))
		next := null()
		if end < len(rows) {
			next = word(strconv.Itoa(end))
		}
		return string(dict(pair("leader", word(a.name)), pair("applied", word(applied)), pair("now", number(1_000_000_000_000)), pair("evicted", number(0)),
			pair("rows", several(rows[from:end]...)), pair("next", next)))
	})
}

// option is the number behind a word, or 0.
func option(args []string, name string) int {
	i := slices.Index(args, name)
	if i < 0 || i+1 >= len(args) {
		return 0
	}
	n, _ := strconv.Atoi(args[i+1])
	return n
}

func dotN(n int) string { return fmt.Sprintf("00000000000000aa-%d", n) }

func TestLossesAreMergedByDot(t *testing.T) {
	all := trio(t)
	all[0].loses(much, lossRow("a", dotN(1), dotB, "inverted", 2e9), lossRow("b", dotN(2), dotB, "concurrent", 3e9))
	all[1].loses(much, lossRow("a", dotN(1), dotB, "inverted", 1e9), lossRow("b", dotN(2), dotB, "concurrent", 4e9))
	all[2].loses(little, lossRow("a", dotN(1), dotB, "inverted", 9e9))
	o := kv(t, all, "losses")
	o.is(t, codeOK, "a: It lost.\n    lost "+dotN(1)+" to "+dotB+", inverted, a deletion undone under lww; first decided 1970-01-01T00:00:01.000Z at n2; held by n1, n2 and n3\n", "held by n1 and n2\n")
	if raw := kv(t, all, "losses", "-o", "raw").out; raw != dotN(1)+"\n"+dotN(2)+"\n" {
		t.Errorf("raw is %q", raw)
	}
	kv(t, all, "losses", "-o", "table").is(t, codeOK, "key  value", `a    "v\x00"  lww       inverted`)
	o = kv(t, all, "losses", "-o", "json")
	o.is(t, codeOK)
	var got struct {
		Losses []struct {
			Key   string
			Value show.Blob
			By    []struct{ Leader string }
		}
		Missing, Differences []string
	}
	if err := json.Unmarshal([]byte(o.out), &got); err != nil || len(got.Losses) != 2 || len(got.Losses[0].By) != 3 || got.Losses[1].Value.Value != "v\x00" {
		t.Errorf("%s: %v", o.out, err)
	}
}

func TestLossesThatLeadersDisagreeAbout(t *testing.T) {
	all := trio(t)[:2]
	all[0].loses(much, lossRow("a", dotN(1), dotB, "inverted", 2e9))
	all[1].loses(much)
	o := kv(t, all, "losses")
	o.is(t, codeDiffers, "a: It lost.")
	o.told(t, "leaders disagree", "n2 does not hold it, and has applied the same as n1")
	kv(t, all, "losses", "-o", "jsonl").is(t, codeDiffers, `"differences":["`+dotN(1)+` of a under lww: n2 does not hold it`)

	all[1].loses(much, lossRow("a", dotN(1), dotN(7), "inverted", 2e9))
	kv(t, all, "losses").told(t, "names "+dotN(7)+" as the winner")

	// By clocks that differ one may leave out what the other has.
	all[1].loses(much)
	kv(t, all, "losses", "--since", "10m").is(t, codeOK, "a: It lost.")
}

func TestLossesOfLeadersWithMoreThanTheLimit(t *testing.T) {
	var many []part2
	for i := range 9 {
		many = append(many, lossRow("k"+strconv.Itoa(i), dotN(i+1), dotB, "concurrent", 1e9))
	}
	all := trio(t)[:2]
	all[0].loses(much, many...)
	all[1].loses(much, many[3:]...) // lacks the first three
	o := kv(t, all, "losses", "--limit", "5", "-o", "raw")
	o.told(t, "there are more; --limit 0 prints all", "n2 does not hold it")
	o.is(t, codeDiffers)
	if got := strings.Fields(o.out); len(got) != 5 || got[4] != dotN(5) {
		t.Errorf("prints %q", got)
	}
	if n := strings.Count(o.errs, "does not hold"); n != 3 {
		t.Errorf("%d rows are said to differ, want 3: what was cut off is no difference\n%s", n, o.errs)
	}
	all[1].loses(much, many...)
	if o := kv(t, all, "losses", "--limit", "0", "-o", "raw"); len(strings.Fields(o.out)) != 9 || o.code != codeOK {
		t.Errorf("prints %q, exit code %d", o.out, o.code)
	}
}

func TestLossesAreAskedForPageByPage(t *testing.T) {
	var many []part2
	for i := range answers.PageRows + 1 {
		many = append(many, lossRow(fmt.Sprintf("k%05d", i), dotN(i+1), dotB, "concurrent", 1e9))
	}
	a := newActor(t, "n1").loses(much, many...)
	if o := kv(t, []*actor{a}, "losses", "--limit", "0", "-o", "raw"); len(strings.Fields(o.out)) != len(many) {
		t.Errorf("%d rows of %d\n%s", len(strings.Fields(o.out)), len(many), o.errs)
	}
	if got := a.asked("KVD.LOSSES"); !slices.Equal(got, []string{"COUNT 1000", "COUNT 1000 AFTER 1000"}) {
		t.Errorf("asked %q", got)
	}
}

func TestWhatLossesAreAskedFor(t *testing.T) {
	a := newActor(t, "n1").loses(much)
	for _, c := range []struct{ line, asked string }{
		{"losses --prefix p: --relation inverted --resolver all", "PREFIX p: RELATION inverted RESOLVER all COUNT 100"},
		{"losses --since 10s", "SINCE 990000000000 COUNT 100"}, // by the leader's clock, which shows 1000 s
		{"losses --since 1970-01-01T00:00:07Z", "SINCE 7000000000 COUNT 100"},
	} {
		o := kv(t, []*actor{a}, strings.Fields(c.line)...)
		o.is(t, codeOK)
		o.told(t, "no losses, at n1")
		if got := a.asked("KVD.LOSSES"); got[len(got)-1] != c.asked {
			t.Errorf("%s asks %q, want %q", c.line, got[len(got)-1], c.asked)
		}
	}
	for _, line := range []string{"losses --since yesterday", "losses --since -5m", "losses --relation lost", "losses --resolver lwww", "losses --limit -1"} {
		kv(t, []*actor{a}, strings.Fields(line)...).is(t, cliutil.Misused)
	}
	kv(t, []*actor{a, gone(t)}, "losses").is(t, codeGone)
}

func TestLossesFromAnAnswerThatCannotBeRead(t *testing.T) {
	for _, broken := range []part2{lossRow("a", "nonsense", dotB, "inverted", 1), lossRow("a", dotA, dotB, "unheard", 1)} {
		o := kv(t, []*actor{newActor(t, "n1").loses(much, broken)}, "losses")
		o.is(t, cliutil.Failed)
		o.told(t, "cannot be read")
	}
	kv(t, []*actor{newActor(t, "n1").loses("{", lossRow("a", dotA, dotB, "inverted", 1))}, "losses").told(t, "read frontier")
}

// TestLongValuesAreCutForPeople: a table with one has lines that people can read,
// and programs are given what came.
func TestLongValuesAreCutForPeople(t *testing.T) {
	long := strings.Repeat("é", 1000)
	big := part2(strings.Replace(string(lossRow("x", dotN(1), dotB, "inverted", 1e9)), bulk("v\x00"), bulk(long), 1))
	all := []*actor{newActor(t, "n1").loses(much, big)}
	if o := kv(t, all, "losses", "-o", "table"); len(o.out) > 500 || !strings.Contains(o.out, " "+strings.Repeat("é", 30)+"… ") {
		t.Errorf("a table of %d bytes: %s", len(o.out), o.out)
	}
	kv(t, all, "losses", "-o", "json").is(t, codeOK, long)
}

func TestLeadersThatGaveUpAsMuchAreNamedTogether(t *testing.T) {
	all := trio(t)
	for i, a := range all {
		a.on("KVD.LOSSES", string(dict(pair("leader", word(a.name)), pair("applied", word(much)), pair("now", number(9)), pair("evicted", number(int64(7-i/2))),
			pair("rows", several()), pair("next", null()))))
	}
	o := kv(t, all, "losses")
	o.told(t, "n1 and n2 have each given up 7 rows of the ledger", "n3 has given up 6 rows")
	if n := strings.Count(o.errs, "given up"); n != 2 {
		t.Errorf("said %d times: %s", n, o.errs)
	}
}

// TestLossesOfAnOlderServer: it has the command, and says less.
func TestLossesOfAnOlderServer(t *testing.T) {
	old := newActor(t, "old").on("KVD.LOSSES", frame())
	o := kv(t, []*actor{old}, "losses")
	o.is(t, cliutil.Failed)
	o.told(t, "answers KVD.LOSSES as older ones do", "a newer one can")
}

// TestNoLossesOfAResolver: there may be none because nobody watched.
func TestNoLossesOfAResolver(t *testing.T) {
	all := []*actor{newActor(t, "n1").loses(much)}
	kv(t, all, "losses", "--resolver", "hlc").told(t, "no losses under hlc, at n1; they record those of resolvers that serve, or watch")
	if o := kv(t, all, "losses"); strings.Contains(o.errs, "watch") {
		t.Errorf("said %s", o.errs)
	}
}
