package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/logical"
	"kvd/replica"
	"kvd/replica/client"
	"kvd/replica/resp/token"
)

// TestValuesThatAreNoText are base64 in JSON, and quoted in tables.
func TestValuesThatAreNoText(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	f := serve(t, nil)
	defer f.stop()
	for _, c := range []struct{ args, stdin, want string }{
		{"set x -", "\xff\x00\n", "OK\n"},
		{"get x -o json", "", `{"key":"x","value":"/wAK","enc":"base64"}` + "\n"},
		{"get x -o raw", "", "\xff\x00\n"},
		{"get x", "", "\xff\x00\n\n"},
		{"get x -o table", "", "key  value\nx    \"\\xff\\x00\\n\"\n"},
		{"set \xfe 1", "", "OK\n"},
		{"get \xfe -o json", "", `{"key":{"value":"/g==","enc":"base64"},"value":"1","enc":"utf8"}` + "\n"},
		{"set html <&>\u2028", "", "OK\n"},
		{"get html -o json", "", `{"key":"html","value":"<&>\u2028","enc":"utf8"}` + "\n"},
	} {
		var out, errs bytes.Buffer
		args := append(append([]string{"kv"}, strings.Split(c.args, " ")...), "-n", f.addr)
		if code := run(args, strings.NewReader(c.stdin), &out, &errs); code != 0 || out.String() != c.want {
			t.Errorf("%q: exit %d, %q, %s; want %q", c.args, code, out.String(), errs.String(), c.want)
		}
	}
}

func TestWantsJSON(t *testing.T) {
	t.Setenv("KV_OUTPUT", "")
	for line, want := range map[string]bool{
		"kv get x": false, "kv get x -o json": true, "kv get x -ojsonl": true, "kv -o=json get x": true, "kv get --output=json x": true,
		"kv get x --output json": true, "kv get x -qojson": true, "kv get x -o text": false, "kv get -- -o json": false, "kv get -o": false,
		"kv get json -o raw": false,
	} {
		if got := wantsJSON(strings.Fields(line)); got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
	t.Setenv("KV_OUTPUT", "json")
	if !wantsJSON([]string{"kv", "get"}) || wantsJSON([]string{"kv", "get", "-o", "text"}) {
		t.Error("the flag goes before the environment")
	}
}

// TestASessionKeepsWhatItSawAndTheNewestOfWhatItWasShown, over saving and opening.
func TestASessionKeepsWhatItSawAndTheNewestOfWhatItWasShown(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	tokenOf := func(i int) string {
		dot := logical.Dot{Origin: 7, Seq: logical.Seq(i)}
		return token.Token{Seen: replica.Token{Frontier: logical.FrontierOf(dot), Lamport: logical.Lamport(1000 - i), HLC: logical.HLC{Wall: int64(i)}},
			Keyed: true, Key: fmt.Sprint(i), Shown: []logical.Dot{dot}}.String()
	}
	s := opened(t)
	for i := 1; i <= client.MaxShown+10; i++ {
		if err := s.ShownBy(tokenOf(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	s = opened(t)
	seen, err := token.Parse(s.Token("10"))
	if err != nil || seen.Keyed || seen.Seen.Frontier.At(7) != client.MaxShown+10 || seen.Seen.Lamport != 999 || seen.Seen.HLC.Wall != client.MaxShown+10 {
		t.Errorf("of a key that was forgotten: %+v, %v", seen, err)
	}
	kept, err := token.Parse(s.Token("11"))
	if err != nil || !kept.Keyed || kept.Key != "11" || kept.Shown[0].Seq != 11 || kept.Seen.Frontier.At(7) != client.MaxShown+10 {
		t.Errorf("of a key that is remembered: %+v, %v", kept, err)
	}
	s.Forget("11")
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if s = opened(t); s.Knows("11") || !s.Knows("12") {
		t.Error("forgetting one key is not kept, or forgot another")
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T) *invoke.Session {
	t.Helper()
	s, err := invoke.OpenSession("ann")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSecondToOpenASessionWaitsForTheFirst(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	first := opened(t)
	dot := logical.Dot{Origin: 7, Seq: 1}
	seen := make(chan uint64)
	go func() {
		s, err := invoke.OpenSession("ann")
		if err != nil {
			t.Error(err)
			close(seen)
			return
		}
		seen <- uint64(s.Seen.Frontier.At(7))
		_ = s.Save()
	}()
	if err := first.Saw(token.Token{Seen: replica.Token{Frontier: logical.FrontierOf(dot)}}.String()); err != nil {
		t.Fatal(err)
	}
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != 1 {
		t.Errorf("the second saw %d, want what the first saved", got)
	}
}

// TestEveryFailureIsToldInThreeLines and has its exit code.
func TestEveryFailureIsToldInThreeLines(t *testing.T) {
	l := client.New(client.Options{}).Open(client.Node{Name: "n1", Addr: "h:1"})
	for text, code := range map[string]int{
		"NOAUTH x": cliutil.Denied, "WRONGPASS x": cliutil.Denied, "NOPERM x": cliutil.Denied, "CONFLICT 2": cliutil.Differs,
		"BEHIND x": cliutil.Unreachable, "TRYAGAIN x": cliutil.Unreachable, "LOADING x": cliutil.Unreachable,
		"ERR max number of clients reached": cliutil.Unreachable, "ERR unknown command 'x'": cliutil.Failed, "ERR anything": cliutil.Failed,
	} {
		got, next := invoke.Judge(text, "X")
		if got != code || next == "" && text != "ERR anything" {
			t.Errorf("%s: %d, %q; want %d", text, got, next, code)
		}
	}
	err := invoke.Explain("get x", &client.Refusal{By: l, Cmd: "GET", Err: errors.New("odd")})
	var p *cliutil.Problem
	if !errors.As(err, &p) || p.What != "get x at n1 (h:1)" || p.Why != "odd" {
		t.Errorf("%v", err)
	}
}
