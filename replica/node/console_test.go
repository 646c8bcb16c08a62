package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/scenarios/page/pagetest"
)

// odd is a key that is no text and would be markup.
const odd = "cart:<img src=x onerror=\"document.title='owned'\">\xff"

// show gets a page of the console as a user, and reads its JSON.
func (n *node) show(path, user string, into any) int {
	n.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+n.Addrs().HTTP+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, "p")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		n.t.Fatalf("%s: %v", path, err)
	}
	return res.StatusCode
}

type pageText struct{ Shown, Link string }

type keyPage struct {
	Text, Tree, Resolver string
	Key                  pageText
	Values               []pageText
	Deadline             *struct{ At string }
	Lost                 int
	Writes               []struct{ Dot, State, By string }
	Losses               []struct {
		Resolver, Relation, Loser, Winner, Text string
		Serving                                 bool
	}
}

// conflict lets both leaders write each key while the link is cut, and waits until both
// know of it.
func conflict(t *testing.T, n1, n2 *node, all []*node, keys ...string) {
	t.Helper()
	n1.ask("KVD.FAULT", "LINK", "n2", "cut=on")
	n2.ask("KVD.FAULT", "LINK", "n1", "cut=on")
	for _, key := range keys {
		n1.set(key, "1")
		n2.set(key, "2")
	}
	n1.ask("KVD.FAULT", "CLEAR")
	n2.ask("KVD.FAULT", "CLEAR")
	settle(t, all)
}

// What the page of a key says is what KVD.WHY, KVD.LOSSES and KVD.HISTORY say, and what
// may not be read is not said.
func TestTheConsoleAnswersAsTheCommandsDo(t *testing.T) {
	users := usersOf(t, [2]string{"root", ""}, [2]string{"ann", ":read:a:"})
	all := cluster(t, 2, everybody(resolve.LWW), func(_ int, c *Config) { c.Users = users })
	n1 := all[0].as("root")
	conflict(t, n1, all[1].as("root"), all, odd, "a:x")
	at := "/console/key.json?key=" + url.QueryEscape(odd)
	var p keyPage
	if code := n1.show(at, "root", &p); code != http.StatusOK {
		t.Fatalf("%d %+v", code, p)
	}
	why := n1.tell("KVD.WHY", odd)
	if p.Text != why["text"] || p.Tree != why["tree"] || p.Resolver != "lww" || p.Deadline != nil || int64(p.Lost) != why["lost"] || len(p.Values) != 1 || p.Values[0].Shown != why["values"].([]any)[0] {
		t.Errorf("the page says %+v, and KVD.WHY %v", p, why)
	}
	rows := n1.tell("KVD.LOSSES", "PREFIX", odd, "RESOLVER", "all").rows("rows")
	if len(p.Losses) != len(rows) || len(rows) == 0 {
		t.Fatalf("the page has %d losses, and KVD.LOSSES %d", len(p.Losses), len(rows))
	}
	for _, l := range p.Losses {
		found := false
		for _, r := range rows {
			found = found || r["resolver"] == l.Resolver && r["loser"] == l.Loser && r["winner"] == l.Winner && r["relation"] == l.Relation && r["text"] == l.Text
		}
		if !found {
			t.Errorf("KVD.LOSSES does not know %+v", l)
		}
	}
	if w := p.Writes; len(w) != 2 || w[0].State != "shown" || w[1].State != "lost" || w[1].By != w[0].Dot {
		t.Errorf("the writes are %+v", w)
	}
	n1.ask("EXPIRE", odd, 1000)
	if n1.show(at, "root", &p); p.Deadline == nil || len(p.Writes) != 3 {
		t.Errorf("with a deadline there are %+v and %+v", p.Deadline, p.Writes)
	}
	for path, codes := range map[string][2]int{at: {200, 403}, "/console/key.json?key=a:x": {200, 200}, "/console/sum.json": {200, 403}} {
		for i, user := range []string{"root", "ann"} {
			if code := n1.show(path, user, &struct{}{}); code != codes[i] {
				t.Errorf("%s for %s: %d, want %d", path, user, code, codes[i])
			}
		}
	}
	var o struct{ Losses, Keys []struct{ Key pageText } }
	n1.show("/console/overview.json", "ann", &o)
	if len(o.Losses) == 0 || len(o.Keys) != 1 {
		t.Errorf("ann is told of %+v", o)
	}
	for _, l := range append(o.Losses, o.Keys...) {
		if l.Key.Shown != "a:x" {
			t.Errorf("ann is told of %s", l.Key.Shown)
		}
	}
}

// The numbers of the page in a browser are those of /status and of the commands.
func TestTheConsoleInABrowserShowsTheNumbers(t *testing.T) {
	browser := pagetest.Start(t)
	all := cluster(t, 3, everybody(resolve.LWW), nil)
	n1 := all[0]
	conflict(t, n1, all[1], all, odd, "cart:1", "cart:2")
	conflict(t, n1, all[1], all, "cart:1")
	all[1].ask("KVD.FAULT", "CLOCK", "offset=10s")
	p := browser.Open(t, "http://"+n1.Addrs().HTTP+"/", 1280, 900)
	text := func(expression string) string { return p.Text("String(" + expression + ")") }
	ledger := func() string {
		rows := n1.tell("KVD.LOSSES", "COUNT", 1000).rows("rows")
		count := map[any]int{}
		for _, r := range rows {
			count[r["key"]]++
		}
		return fmt.Sprint(len(rows), count["cart:1"], count["cart:2"], count[odd])
	}
	of := func(key string) string {
		return fmt.Sprintf("([...document.querySelectorAll('#keys tbody tr')].find((r) => r.firstChild.textContent.includes(%q)) || {children: [, {textContent: '-'}]}).children[1].textContent", key)
	}
	replicatest.Eventually(t, "the page lists what the ledger has", func() bool {
		listed := text("document.querySelectorAll('#losses tbody tr').length") + " " + text(of("cart:1")) + " " + text(of("cart:2")) + " " + text(of("onerror"))
		return listed == ledger() && strings.HasSuffix(listed, "2 1 1")
	})
	replicatest.Eventually(t, "nobody lacks anything, as in /status", func() bool {
		var status struct {
			Ledger struct{ Rows int }
			Peers  []struct {
				Name   string
				LagOps int  `json:"lag_ops"`
				LinkUp bool `json:"link_up"`
			}
		}
		n1.show("/status", "", &status)
		shown := text("document.getElementById('rows').textContent") == fmt.Sprintf("%d lost writes", status.Ledger.Rows)
		for _, m := range status.Peers {
			shown = shown && m.LinkUp && m.LagOps == 0 && text(fmt.Sprintf("document.querySelector('[data-lag=%s]').textContent", m.Name)) == "0"
		}
		return shown && text("document.querySelector('[data-offset=\"n1 n2\"] small')?.textContent.startsWith('+')") == "true"
	})
	p.Click("#sum button")
	// A leader makes one audit at a time, and the page's is the first.
	replicatest.Eventually(t, "the page has a sum", func() bool {
		return text("document.querySelector('#sum .sentences')?.textContent.length > 0") == "true"
	})
	audit := n1.tell("KVD.AUDIT")
	replicatest.Eventually(t, "the sum is that of KVD.AUDIT", func() bool {
		return text("document.querySelector('#sum .sentences')?.textContent") == audit["text"].(string)
	})
	for _, b := range audit.rows("balances") {
		if b["accepted"] == int64(0) {
			continue
		}
		want := fmt.Sprintf("%v%v= %v+ %v+ %vholds", b["resolver"], b["accepted"], b["live"], b["superseded"], b["inverted"].(int64)+b["concurrent"].(int64))
		row := text(fmt.Sprintf("[...document.querySelectorAll('#sum tbody tr')].find((r) => r.firstChild.textContent === '%v')?.textContent", b["resolver"]))
		if row != want {
			t.Errorf("the sum has %q, want %q", row, want)
		}
	}
	p.Click("#losses tbody tr .key")
	replicatest.Eventually(t, "the key is shown as KVD.WHY explains it", func() bool {
		return text("document.querySelector('#key .sentences')?.textContent") == n1.tell("KVD.WHY", "cart:1")["text"]
	})
	p.Screenshot("console-live")
	if title, images := p.Text("document.title"), p.Number("document.images.length"); title != "n1: kvd" || images != 0 || len(p.Errors()) > 0 {
		t.Errorf("the title is %q, there are %v images, and the page says %q", title, images, p.Errors())
	}
}
