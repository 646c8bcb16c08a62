package main

import (
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
)

func (a *actor) restores() *actor {
	return a.on("KVD.RESTORE", string(dict(pair("leader", word(a.name)), pair("applied", word(much)), pair("key", word("x")), pair("value", word("2")),
		pair("restored", word(dotA)), pair("dot", word(dotB)), pair("over", several(word(dotN(9)))), pair("token", word("")), pair("retry", number(0)))))
}

func (a *actor) refuses(text string) *actor { return a.on("KVD.RESTORE", "-"+text+"\r\n") }

func TestRestoreIsDoneByWhoeverCan(t *testing.T) {
	all := append([]*actor{gone(t)}, trio(t)...)
	all[1].refuses("BEATEN 2000000000 the winner's stamp is ahead of this clock")
	all[2].refuses("UNKNOWN not known here")
	all[3].restores()
	o := kv(t, all, "restore", dotA)
	o.is(t, codeOK, "x is 2 again, written at n3\ndot "+dotB+"\nover "+dotN(9)+"\n")
	o.told(t, "connection refused", "the winner's stamp is ahead", "not known here")
	if raw := kv(t, all, "restore", dotA, "-o", "raw", "-q").out; raw != dotB {
		t.Errorf("raw is %q", raw)
	}
	kv(t, all, "restore", dotA, "-o", "json").is(t, codeOK, `{"ok":true,"leader":"n3","key":"x","value":{"value":"2","enc":"utf8"},"restored":"`+dotA+`","dot":"`+dotB+`","over":["`+dotN(9)+`"],"token":"","retry":false}`)
}

func TestRestoreBeatenEverywhere(t *testing.T) {
	all := trio(t)
	all[0].refuses("BEATEN 5000000000 this clock is behind")
	all[1].refuses("UNKNOWN not known here")
	all[2].refuses("BEATEN 1500000001 this clock is behind")
	o := kv(t, all, "restore", dotA)
	o.is(t, codeDiffers)
	o.told(t, "would lose again", "next: in 1.501s, at ", "-n "+all[2].addr, "--force")
	kv(t, all, "restore", dotA, "--force").is(t, codeDiffers)
	if got := all[0].asked("KVD.RESTORE"); got[len(got)-1] != dotA+" FORCE" {
		t.Errorf("asked %q", got)
	}
}

// TestRestoreReadsBack: a value that was written and lost again is not restored.
func TestRestoreReadsBack(t *testing.T) {
	for until, next := range map[int64]string{3_600_000_000_000: "in 1h0m0s, at ", 0: "next: kv restore " + dotB} {
		all := trio(t)[:1]
		all[0].on("KVD.RESTORE", string(dict(pair("leader", word("n1")), pair("key", word("x")), pair("value", word("2")),
			pair("restored", word(dotA)), pair("dot", word(dotB)), pair("over", several(word(dotN(9)))), pair("token", word("")), pair("retry", number(0)),
			pair("state", word("lost")), pair("text", word("lost to a later stamp")), pair("until", number(until)))))
		o := kv(t, all, "restore", dotA, "--force")
		o.is(t, codeDiffers)
		o.told(t, "restore "+dotA, "n1 wrote it again as "+dotB, "lost as well", "lost to a later stamp", next, "kv restore "+dotB)
		if strings.Contains(o.out, "again") {
			t.Errorf("it says %q", o.out)
		}
	}
}

func TestRestoreStopsWhereAnotherCouldNotHelp(t *testing.T) {
	for text, code := range map[string]int{
		"NOTLOST it is live": cliutil.Failed, "DELETION delete it": cliutil.Failed, "EXPIRED it has": cliutil.Failed, "NOPERM no": cliutil.Denied,
	} {
		all := trio(t)[:2]
		all[0].refuses(text)
		all[1].restores()
		o := kv(t, all, "restore", dotA)
		o.is(t, code)
		o.told(t, text)
		if got := all[1].asked("KVD.RESTORE"); len(got) != 0 {
			t.Errorf("%s: the next leader is asked %q", text, got)
		}
	}
}

// TestRestoreIsNotSentAgainAfterSilence: the first leader may have done it.
func TestRestoreIsNotSentAgainAfterSilence(t *testing.T) {
	var all []*actor
	silent := func(outcome) bool { return len(all[0].asked("KVD.RESTORE")) > 0 }
	patiently(t, silent, func(timeout string) outcome {
		all = trio(t)[:2]
		all[0].on("KVD.RESTORE", "")
		all[1].restores()
		return kv(t, all, "restore", dotA, "--timeout", timeout)
	}).is(t, codeGone)
	if got := all[1].asked("KVD.RESTORE"); len(got) != 0 {
		t.Errorf("the next leader is asked %q", got)
	}
}

func TestRestoreOfWhatNobodyKnows(t *testing.T) {
	all := trio(t)[:2]
	all[0].refuses("UNKNOWN not known here")
	all[1].refuses("FORGOTTEN the log no longer holds it")
	o := kv(t, all, "restore", dotA)
	o.is(t, codeAbsent)
	o.told(t, "not known here", "no longer holds it")
	kv(t, append(all, gone(t)), "restore", dotA).is(t, codeGone)
	kv(t, []*actor{gone(t)}, "restore", dotA).is(t, codeGone)
	if o := kv(t, all, "restore", "x"); o.code != cliutil.Misused || !strings.Contains(o.errs, "no dot") {
		t.Errorf("exit code %d, %s", o.code, o.errs)
	}
}

func TestRestoreWhereServersCannot(t *testing.T) {
	o := kv(t, trio(t), "restore", dotA)
	o.is(t, cliutil.Failed)
	o.told(t, "does not have the command", "ask a newer server")
}

// TestAnInterruptedWriteMayBeDone: nobody is told to write it again blindly.
func TestAnInterruptedWriteMayBeDone(t *testing.T) {
	l := listen(t)
	defer l.Close()
	go func() {
		if nc, err := l.Accept(); err == nil {
			defer nc.Close()
			_, _ = nc.Read(make([]byte, 1)) // it has been sent something
			interrupt(t)
		}
	}()
	o := kv(t, []*actor{{addr: l.Addr().String()}}, "incr", "x", "--timeout", "1m")
	o.is(t, cliutil.Interrupted)
	o.told(t, "whether the write was done is not known")
}
