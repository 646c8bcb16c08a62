package node

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"kvd/replica/console"
	"kvd/resolve"
)

// health is the answer of /health/ready.
type health struct {
	code    int
	Ready   bool
	Reasons []console.Reason
	Next    string
}

func (n *node) health() health {
	n.t.Helper()
	res, err := http.Get("http://" + n.Addrs().HTTP + "/health/ready")
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	h := health{code: res.StatusCode}
	if err == nil {
		err = json.Unmarshal(body, &h)
	}
	if err != nil {
		n.t.Fatalf("%v: %s", err, body)
	}
	return h
}

// While something keeps the leader from serving, what looks at keys is answered LOADING,
// with how far it has come, and what looks at the leader is answered as always.
func TestABlockedLeaderSaysWhy(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	n.ask("SET", "k", "1")
	tell := func(what string) func() (string, console.Progress) {
		return func() (string, console.Progress) { return what + " of 9", console.Progress{Done: 4, Total: 9} }
	}
	first := n.blockers.Block(console.Folding, tell("4"))
	second := n.blockers.Block(console.Folding, tell("5"))
	third := n.blockers.Block(console.CatchingUp, tell("6"))
	for _, words := range [][]any{
		{"GET", "k"}, {"INCR", "k"}, {"SET", "k", "2", "NX"}, {"KEYS", "*"}, {"DBSIZE"}, {"SCAN", "0"}, {"KVD.GET", "k"},
		{"KVD.WHY", "k"}, {"KVD.AUDIT"}, {"KVD.LOSSES"}, {"KVD.RESTORE", "1:1"}, {"KVD.HISTORY", "k"}, {"KVD.FATE", "1:1"},
	} {
		n.refused("LOADING n1 does not serve yet: 6 of 9", "", words...)
	}
	for _, words := range [][]any{
		{"PING"}, {"HELLO", "3"}, {"INFO"}, {"CONFIG", "GET", "*"}, {"CLIENT", "LIST"}, {"COMMAND", "COUNT"}, {"TIME"}, {"ECHO", "x"},
		{"KVD.MEMBERS"}, {"KVD.FRONTIER"}, {"KVD.TOKEN"}, {"KVD.POLICY"}, {"KVD.FAULT", "CLEAR"}, {"WAIT", "0", "1"}, {"SELECT", "0"},
	} {
		n.ask(words...)
	}
	info := n.ask("INFO", "persistence").(string)
	for _, want := range []string{"loading:1\r\n", "loading_loaded_perc:44.44\r\n", "loading_why:n1 does not serve yet: 6 of 9\r\n"} {
		if !strings.Contains(info, want) {
			t.Errorf("INFO does not say %q: %s", want, info)
		}
	}
	h := n.health()
	if h.code != http.StatusServiceUnavailable || len(h.Reasons) != 2 || h.Reasons[0].Cause != console.CatchingUp || h.Reasons[1].Cause != console.Folding ||
		h.Reasons[1].Detail != "n1 does not serve yet: 4 of 9" || *h.Reasons[1].Progress != (console.Progress{Done: 4, Total: 9}) {
		t.Errorf("health says %+v", h)
	}
	third()
	first()
	first()
	n.refused("LOADING n1 does not serve yet: 5 of 9", "", "GET", "k")
	second()
	if got := n.ask("GET", "k"); got != "1" {
		t.Errorf("when it is over: %v", got)
	}
	if h := n.health(); h.code != http.StatusOK || !strings.Contains(n.ask("INFO", "persistence").(string), "loading:0\r\n") {
		t.Errorf("when it is over: %+v", h)
	}
}
