package node

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/losses"
)

// The three questions about the story the project begins with, asked of a leader
// that took part in neither write.
func TestTheStoryIsTold(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), ahead(0, time.Hour))
	first, second := figure83(t, all, "x")
	n2 := all[1]
	applied := settle(t, all).String()

	why := n2.tell("KVD.WHY", "x")
	if why["leader"] != "n2" || why["applied"] != applied || why["serving"] != "lww" || why["lost"] != int64(1) {
		t.Errorf("WHY answers %v", why)
	}
	if values := why["values"].([]any); len(values) != 1 || values[0] != "1" {
		t.Errorf("x is %v", values)
	}
	for _, want := range []string{"x is 1, written by a client at n1", "A later write, 2 from client 7 at n3, lost to it, although its author had been shown that value: n3's clock showed", "so n1's clock was at least 59m"} {
		if !strings.Contains(why["text"].(string), want) {
			t.Errorf("WHY says\n%s\nwithout %q", why["text"], want)
		}
	}
	if tree := why["tree"].(string); !strings.Contains(tree, "✗ 2 from client 7 at n3") {
		t.Errorf("the tree is\n%s", tree)
	}

	fate := n2.tell("KVD.FATE", second)
	v := fate.rows("verdicts")
	if fate["known"] != "here" || fate["key"] != "x" || fate["value"] != "2" || fate["dot"] != second || len(v) != 7 {
		t.Fatalf("FATE answers %v", fate)
	}
	if v[0]["resolver"] != "lww" || v[0]["serving"] != int64(1) || v[0]["state"] != "lost" || v[0]["relation"] != "inverted" || v[0]["by"] != first {
		t.Errorf("the serving verdict is %v", v[0])
	}
	if v[1]["serving"] != int64(0) || v[1]["state"] != "live" || v[1]["relation"] != "" || v[1]["by"] != nil {
		t.Errorf("the first shadow's verdict is %v", v[1])
	}
	for dot, known := range map[string]string{
		logical.Dot{Origin: all[0].origin, Seq: 99}.String(): "ahead", logical.Dot{Origin: 5, Seq: 1}.String(): "unknown-origin",
	} {
		f := n2.tell("KVD.FATE", dot)
		if f["known"] != known || f["key"] != nil || f["value"] != nil || len(f.rows("verdicts")) != 0 || f["text"] == "" {
			t.Errorf("of %s it says %v", dot, f)
		}
	}
	n2.refused("ERR", "sixteen hexadecimal digits", "KVD.FATE", "nonsense")
	n2.refused("ERR", "wrong number of arguments", "KVD.FATE")
	for key, name := range map[string]string{"never": "never", "": `""`} {
		if nothing := n2.tell("KVD.WHY", key); len(nothing["values"].([]any)) != 0 || !strings.Contains(nothing["text"].(string), name+" holds nothing here") {
			t.Errorf("of a key that was never written it says %v", nothing)
		}
	}
}

// Every leader lists the same losses, in any pages, with all that a row carries.
func TestLossesAreListed(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), ahead(0, time.Hour))
	began := time.Now().UnixNano()
	first, second := figure83(t, all, "x")
	for i := range 12 {
		figure83(t, all, fmt.Sprintf("more/%02d", i))
	}
	gone := all[0].set("deleted", "stays")
	settle(t, all)
	del := all[2].tell("KVD.DEL", "deleted")["dot"].(string)
	settle(t, all)

	whole := all[0].tell("KVD.LOSSES")
	rows := whole.rows("rows")
	if len(rows) != 14 || whole["next"] != nil || whole["evicted"] != int64(0) || whole["leader"] != "n1" || whole["applied"] != settle(t, all).String() {
		t.Fatalf("%d rows, next %v, evicted %v", len(rows), whole["next"], whole["evicted"])
	}
	x := rows[13]
	for name, want := range map[string]any{"resolver": "lww", "serving": int64(1), "relation": "inverted", "key": "x", "loser": second, "winner": first,
		"error": int64(time.Millisecond), "value": "2", "size": int64(1), "kind": "add", "class": "increment", "delta": int64(1), "leader": "n3", "client": "7"} {
		if x[name] != want {
			t.Errorf("%s is %v, want %v", name, x[name], want)
		}
	}
	if wall := x["wall"].(int64); wall < began || wall > time.Now().UnixNano() || !strings.HasPrefix(x["text"].(string), "The write 2 from client 7 at n3 lost to 1 from a client at n1") {
		t.Errorf("it was written at %d; %s", wall, x["text"])
	}
	if d := rows[0]; d["key"] != "deleted" || d["loser"] != del || d["winner"] != gone || d["value"] != nil || d["kind"] != "delete" || d["class"] != "deletion" || d["client"] != "" {
		t.Errorf("the lost deletion is %v", d)
	}
	everyones := all[0].losses("RESOLVER", "all")
	if got := all[0].losses("RESOLVER", "all", "COUNT", 1); len(got) < 3*14 || !slices.Equal(got, everyones) { // pages end within a write's verdicts
		t.Errorf("all verdicts are %d, one by one %d", len(everyones), len(got))
	}
	if rows := all[0].tell("KVD.LOSSES", "RESOLVER", "all", "PREFIX", "x").rows("rows"); rows[0]["serving"] != int64(1) || rows[1]["resolver"] != "hlc" || rows[1]["serving"] != int64(0) {
		t.Errorf("under all resolvers x lost %v", rows)
	}
	for _, n := range all {
		for _, page := range []int{1, 5, 14, 100} {
			if got := n.losses("COUNT", page); !slices.Equal(got, dotsOf(rows)) {
				t.Errorf("%s in pages of %d: %v", n.Name(), page, got)
			}
		}
	}
	now := whole["now"].(int64)
	for _, c := range []struct {
		words []any
		want  int
	}{
		{[]any{"PREFIX", "more/0"}, 10}, {[]any{"prefix", "x", "resolver", "lww"}, 1}, {[]any{"RESOLVER", "siblings"}, 0}, {[]any{"RESOLVER", "all", "PREFIX", "x"}, 3},
		{[]any{"RELATION", "concurrent"}, 0}, {[]any{"RELATION", "inverted", "PREFIX", "more/"}, 12}, {[]any{"SINCE", now + int64(time.Hour)}, 0}, {[]any{"SINCE", 0}, 14},
	} {
		if got := all[0].losses(c.words...); len(got) != c.want {
			t.Errorf("%v gives %d rows, want %d", c.words, len(got), c.want)
		}
	}
	for says, words := range map[string][]any{
		"the options are PREFIX with a value, SINCE": {"SINCE"}, "syntax error at \"LIMIT\"": {"LIMIT", 1}, "COUNT is \"0\"": {"COUNT", 0}, "COUNT is \"x\"": {"COUNT", "x"},
		"inverted or concurrent": {"RELATION", "superseded"}, "SINCE is \"10m\"": {"SINCE", "10m"}, "one that a listing gave": {"AFTER", "%%%"}, "given twice": {"COUNT", 1, "COUNT", 2},
		"lww, lamport": {"RESOLVER", "nobody"},
	} {
		all[0].refused("ERR", says, append([]any{"KVD.LOSSES"}, words...)...)
	}
}

// losses is every loser that is listed, page by page.
func (n *node) losses(words ...any) (dots []string) {
	n.t.Helper()
	words = append([]any{"KVD.LOSSES"}, words...)
	for page := words; ; {
		a := n.tell(page...)
		dots = append(dots, dotsOf(a.rows("rows"))...)
		next, more := a["next"].(string)
		if !more {
			return dots
		}
		page = append(slices.Clone(words), "AFTER", next)
	}
}

func dotsOf(rows []answer) (dots []string) {
	for _, r := range rows {
		dots = append(dots, r["loser"].(string))
	}
	return dots
}

// An audit adds up before and after a restoration at every leader; where a row of
// the ledger is gone, it names the write.
func TestAuditNamesATamperedRow(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.LWW), ahead(0, time.Hour))
	_, second := figure83(t, all, "x")
	all[0].set("other", "1")
	settle(t, all)
	audit := func(n *node, holds int64, words ...any) answer {
		t.Helper()
		a := n.tell(append([]any{"KVD.AUDIT"}, words...)...)
		b := a.rows("balances")
		if len(b) != 7 || b[0]["resolver"] != "lww" || b[0]["holds"] != holds {
			t.Errorf("%s audits %v", n.Name(), a)
		}
		return a
	}
	for _, n := range all {
		a := audit(n, 1)
		want := answer{"accepted": int64(3), "live": int64(2), "superseded": int64(0), "inverted": int64(1), "concurrent": int64(0), "evicted": int64(0), "none": int64(0), "two": int64(0), "beyond": int64(0)}
		for name, is := range want {
			if got := a.rows("balances")[0][name]; got != is {
				t.Errorf("%s: %s is %v, want %v", n.Name(), name, got, is)
			}
		}
		if a["keys"] != int64(2) || a["stray"] != int64(0) || !strings.Contains(a["text"].(string), "lww: accepted 3 = live 2 + superseded 0 + lost 1: adds up") {
			t.Errorf("%s says %v", n.Name(), a)
		}
	}
	all[0].tell("KVD.RESTORE", second)
	settle(t, all)
	for _, n := range all {
		if b := audit(n, 1).rows("balances")[0]; b["accepted"] != int64(4) || b["live"] != int64(2) {
			t.Errorf("after the restoration %s counts %v", n.Name(), b)
		}
	}
	if a := audit(all[1], 1, "PREFIX", "x"); a["keys"] != int64(1) {
		t.Errorf("%v keys begin with x", a["keys"])
	}
	if a := all[1].tell("KVD.AUDIT", "SAMPLE", 1000003); a["keys"] != int64(0) {
		t.Errorf("%v keys are in a small sample", a["keys"])
	}

	_, second = figure83(t, all, "y")
	d, err := logical.ParseDot(second)
	if err != nil {
		t.Fatal(err)
	}
	tamper(t, all[1].Leader, losses.ID{Key: "y", Loser: d})
	a := audit(all[1], 0)
	gaps := a.rows("gaps") // those under lww first: whoever else lost it has lost the row too
	if len(gaps) != 3 || gaps[0]["key"] != "y" || gaps[0]["dot"] != second || gaps[0]["resolver"] != "lww" || len(gaps[0]["states"].([]any)) != 0 ||
		!strings.Contains(a["text"].(string), second+" of y is neither live, superseded nor lost under lww") {
		t.Errorf("of the missing row it says %v", a)
	}
	audit(all[2], 1)
	all[0].refused("ERR", "SAMPLE is \"-1\"", "KVD.AUDIT", "SAMPLE", -1)
	all[0].refused("ERR", "the options are PREFIX with a value, SAMPLE with a value", "KVD.AUDIT", "ALL")
}

// tamper takes a row out of a leader's ledger behind its back.
func tamper(t *testing.T, l *Leader, id losses.ID) {
	t.Helper()
	r, found, err := l.store.RowOf(id.Key, id.Loser)
	if err != nil || !found {
		t.Fatalf("there is no row to take away: %v", err)
	}
	b := l.store.NewBatch()
	defer b.Close()
	b.DropRow(id, r.Position)
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	newNode(t, l).set("after", "tampering") // so that what is durable shows it
}

// Increments of people who look at nothing are better counted, and it says so.
func TestAdviceOnBlindIncrements(t *testing.T) {
	p := everybody(resolve.LWW)
	p.Rules = []resolve.Rule{{Prefix: "quiet:", Resolver: resolve.Siblings}, {Prefix: "hit", Resolver: resolve.LWW}}
	all := cluster(t, 2, p, ahead(0, time.Hour))
	for range 5 {
		figure83(t, all, "hits")
		all[0].tell("KVD.DEL", "hits")
		settle(t, all)
	}
	advice := all[1].tell("KVD.ADVISE", "PREFIX", "hits").rows("advice")
	if len(advice) != 1 || advice[0]["prefix"] != "hits" || advice[0]["serving"] != "lww" || advice[0]["better"] != "counter" ||
		!strings.Contains(advice[0]["sentence"].(string), "5 increments lost on hits under lww") || len(advice[0]["evidence"].([]any)) == 0 {
		t.Errorf("the advice is %v", advice)
	}
	if all := all[1].tell("KVD.ADVISE").rows("advice"); len(all) != 1 || all[0]["prefix"] != "hit" {
		t.Errorf("asked for nothing in particular it says %v", all)
	}
	if none := all[1].tell("KVD.ADVISE", "PREFIX", "quiet:", "PREFIX", "none").rows("advice"); len(none) != 0 {
		t.Errorf("where nothing was lost it says %v", none)
	}
	all[0].refused("ERR", "PREFIX with a value", "KVD.ADVISE", "hits")
}

// The log comes in pages that together are the log, byte for byte, and no further
// than what is durable.
func TestTheLogComesInPages(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.Causal), nil)
	for i := range 40 {
		all[0].set(fmt.Sprintf("%c:%d", 'a'+rune(i%2), i), strings.Repeat("v", i*i))
	}
	settle(t, all)
	origin := all[0].origin
	var want []string
	if err := all[1].store.LogEntries(origin, 1, func(_ logical.Seq, b []byte) (bool, error) {
		want = append(want, string(b))
		return true, nil
	}); err != nil || len(want) != 40 {
		t.Fatalf("%d entries are stored, %v", len(want), err)
	}
	read := func(from int, words ...any) (entries []string) {
		for next := int64(from); next != 0; {
			a := all[1].tell(append([]any{"KVD.LOG", origin.String(), next}, words...)...)
			for _, e := range a["entries"].([]any) {
				entries = append(entries, e.(string))
			}
			if next = a["next"].(int64); a["origin"] != origin.String() {
				t.Fatalf("it is the log of %v", a["origin"])
			}
		}
		return entries
	}
	for _, page := range []int{1, 7, 40, 1000} {
		if got := read(1, "COUNT", page); !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %d entries", page, len(got))
		}
		if got := read(31, "COUNT", page); !slices.Equal(got, want[30:]) {
			t.Errorf("from 31 on in pages of %d: %d entries", page, len(got))
		}
		got := read(1, "COUNT", page, "PREFIX", "b:")
		for i, e := range got {
			if op, err := codec.DecodeOp([]byte(e)); err != nil || op.Key != "b:"+strconv.Itoa(2*i+1) {
				t.Errorf("the %dth with prefix is %v, %v", i, op, err)
			}
		}
		if len(got) != 20 {
			t.Errorf("%d keys begin with b:", len(got))
		}
	}
	if got := read(41); got != nil {
		t.Errorf("behind the end are %d entries", len(got))
	}
	if a := all[0].tell("KVD.LOG", "00000000000000ff", 1); len(a["entries"].([]any)) != 0 || a["next"] != int64(0) {
		t.Errorf("of an unknown origin it answers %v", a)
	}
	all[0].refused("ERR", "the first being 1", "KVD.LOG", origin.String(), 0)
	all[0].refused("ERR", "give an origin", "KVD.LOG", "n1", 1)
	all[0].refused("ERR", "COUNT with a value, PREFIX with a value", "KVD.LOG", origin.String(), 1, "LIMIT", 3)
}
