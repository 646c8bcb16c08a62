package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kvd/cmd/internal/cliutil"
	"kvd/resolve"
	"kvd/resolve/doomed"
)

// TestAListOfRulesIsUnderstoodOrRefused: it never becomes one rule with an odd
// prefix.
func TestAListOfRulesIsUnderstoodOrRefused(t *testing.T) {
	siblings := func(prefix string, pick bool) resolve.Rule {
		return resolve.Rule{Prefix: prefix, Resolver: resolve.Siblings, Pick: pick}
	}
	for text, want := range map[string][]resolve.Rule{
		"a:=siblings":                           {siblings("a:", false)},
		"a:=siblings,read=pick":                 {siblings("a:", true)},
		"a:=siblings,b:=counter":                {siblings("a:", false), {Prefix: "b:", Resolver: resolve.Counter}},
		" a:=siblings, read=pick , b:=siblings": {siblings(" a:", true), siblings("b:", false)},
		"a=b:=siblings":                         {siblings("a=b:", false)},
		`a\,b:=siblings,c\\=siblings`:           {siblings("a,b:", false), siblings(`c\`, false)},
		`a\b=siblings`:                          {siblings(`a\b`, false)},
		"a:=siblings,read=siblings":             {siblings("a:", false), siblings("read", false)},
		"a:=siblings,":                          {siblings("a:", false)},
		"a:=lww,doomed=lift,b:=hlc":             {{Prefix: "a:", Resolver: resolve.LWW, Doomed: doomed.Lift}, {Prefix: "b:", Resolver: resolve.HLC}},
		"a:=lww,doomed=refuse,acks=2":           {{Prefix: "a:", Resolver: resolve.LWW, Doomed: doomed.Refuse, Acks: 2}},
		"a:=interval,commit-wait,acks=2":        {{Prefix: "a:", Resolver: resolve.Interval, CommitWait: true, Acks: 2}},
		"a:=lww,commit-wait=siblings":           {{Prefix: "a:", Resolver: resolve.LWW}, {Prefix: "commit-wait", Resolver: resolve.Siblings}},
		"":                                      nil,
	} {
		var c serving
		if err := applyPolicy(&c, []string{text}); err != nil || !slices.Equal(c.Policy.Rules, want) {
			t.Errorf("%q: %v, %v", text, c.Policy.Rules, err)
		}
	}
	for text, says := range map[string]string{
		"a,b:=siblings": `"a" is no PREFIX=RESOLVER; a comma in a prefix is written \,`, "read=pick": "no resolver", "a:": "is no PREFIX",
		"a:=cusal": "did you mean causal?", "a:=siblings,read=pik": "did you mean pick?", "a:=siblings,raed=pick": "did you mean read?",
		"a:=lww,doomed=drop": "choose one of accept, refuse, lift", "a:=siblings,doomed=lift": "siblings never loses a write that its leader knows to be beaten; doomed= is for lww, lamport, hlc and interval",
		"a:=lww,commit-wait": "commit-wait is for interval", "a:=interval,commit-wait=1": "commit-wait=1", "a:=interval,comit-wait=pick": "did you mean commit-wait?",
		"a:=siblings,a:=lww": "a:", "=lww": "is no PREFIX",
	} {
		if err := applyPolicy(&serving{}, []string{text}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// TestRulesAreReadAsTheyAreMeant: whatever the prefixes, one list is the same as
// many flags, and a rule that was split off is a whole one.
func TestRulesAreReadAsTheyAreMeant(t *testing.T) {
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`)
	rapid.Check(t, func(t *rapid.T) {
		var want []resolve.Rule
		var texts []string
		for range rapid.IntRange(1, 4).Draw(t, "rules") {
			prefix := rapid.StringMatching(`[a:=,\\](read|pick|lww|[a:=,\\ ]){0,3}`).Draw(t, "prefix")
			if slices.ContainsFunc(want, func(r resolve.Rule) bool { return r.Prefix == prefix }) {
				continue
			}
			r := resolve.Rule{Prefix: prefix, Resolver: rapid.SampledFrom(resolve.IDs()).Draw(t, "resolver")}
			text := escape.Replace(prefix) + "=" + r.Resolver.String()
			if r.Resolver == resolve.Siblings && rapid.Bool().Draw(t, "pick") {
				r.Pick, text = true, text+",read=pick"
			}
			want, texts = append(want, r), append(texts, text)
		}
		if got := rules(strings.Join(texts, ",")); !slices.Equal(got, texts) {
			t.Fatalf("%q is split into %q", texts, got)
		}
		slices.SortFunc(want, func(a, b resolve.Rule) int { return strings.Compare(a.Prefix, b.Prefix) }) // as policies are
		var c serving
		if err := applyPolicy(&c, []string{strings.Join(texts, ", ")}); err != nil || !slices.Equal(c.Policy.Rules, want) {
			t.Fatalf("%q is read as %+v, %v", texts, c.Policy.Rules, err)
		}
	})
}

func TestVariablesThatNobodyReadsAreTold(t *testing.T) {
	environ := []string{"KVD_RESOLVR=lww", "KVD_RESOLVER=lww", "KVD_HTTP_PORT=1", "KVD_DATADIR=", "KVD_SERVICE_HOST=10.0.0.1", "KV_NODE=n1", "KVD_SOAK=10m", "PATH="}
	want := []string{"KVD_DATADIR is no setting, and not read; did you mean KVD_DATA_DIR?", "KVD_RESOLVR is no setting, and not read; did you mean KVD_RESOLVER?"}
	if got := misspelt(environ, table()); !slices.Equal(got, want) {
		t.Errorf("said %q", got)
	}
}

// dev says which variables it does not read. Those without a value are not set.
func TestDevSaysWhatItDoesNotRead(t *testing.T) {
	environ := []string{"KVD_RESOLVER=lww", "KVD_HTTP_PORT=1", "KVD_DATADIR=", "KVD_DATA_DIR=/x", "KV_NODE=n1", "KVD_SOAK=10m", "PATH="}
	const reads = " is not read by dev, but by serve; dev reads KVD_RESP_PORT and KVD_HTTP_PORT, and flags"
	if got := unread(environ, table()); !slices.Equal(got, []string{"KVD_DATA_DIR" + reads, "KVD_RESOLVER" + reads}) {
		t.Errorf("%q", got)
	}
	t.Setenv("KVD_LEDGER", "off")
	var out, errs bytes.Buffer
	code := run([]string{"kvd", "dev", "--leaders", "0"}, strings.NewReader(""), &out, &errs)
	if code != cliutil.Misused || !strings.HasPrefix(errs.String(), "kvd: KVD_LEDGER"+reads+"\n") {
		t.Errorf("exit %d, %s", code, errs.String())
	}
}
