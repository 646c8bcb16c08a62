package main

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// changing answers each command by the next of its answers, and by the last from then on.
func changing(t *testing.T, answers map[string][]string) string {
	var asked [8]atomic.Int64
	names := []string{}
	for name := range answers {
		names = append(names, name)
	}
	return accept(t, func(nc net.Conn) {
		script(nc, func(name string) string {
			for i, n := range names {
				if n == name {
					all := answers[name]
					return all[min(int(asked[i].Add(1)), len(all))-1]
				}
			}
			return "-ERR unknown command '" + name + "'\r\n"
		})
	})
}

func drainAnswer(drained, safe, unshared string) string {
	return array(bulk("leader"), bulk("n3"), bulk("drained"), ":"+drained+"\r\n", bulk("unshared_ops"), ":"+unshared+"\r\n", bulk("alone"), ":0\r\n", bulk("safe"), ":"+safe+"\r\n")
}

func memberAnswer(pairs ...string) string {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, array(bulk("name"), bulk(pairs[i]), bulk("status"), bulk("alive"), bulk("resp"), bulk(pairs[i+1]), bulk("http"), bulk(""), bulk("peer"), bulk(""), bulk("origin"), bulk("")))
	}
	return array(all...)
}

// A leader is asked until it is safe to stop, or time is over.
func TestDrain(t *testing.T) {
	n3 := changing(t, map[string][]string{"KVD.DRAIN": {drainAnswer("0", "0", "7"), drainAnswer("1", "0", "7"), drainAnswer("1", "1", "0")}})
	kv(t, nil, "admin", "drain", n3).is(t, codeOK, "n3 takes no writes, and the others have all that it acknowledged: it is safe to stop\n")
	stuck := changing(t, map[string][]string{"KVD.DRAIN": {drainAnswer("1", "0", "7")}})
	o := kv(t, nil, "admin", "drain", stuck, "--timeout", "150ms")
	if o.is(t, cliutil.Unreachable); !strings.Contains(o.errs, "no other leader is known to have 7 writes") || !strings.Contains(o.errs, "--lift") {
		t.Errorf("it says %s", o.errs)
	}
	alone := changing(t, map[string][]string{"KVD.DRAIN": {strings.Replace(drainAnswer("1", "0", "7"), bulk("alone")+":0", bulk("alone")+":1", 1)}})
	o = kv(t, nil, "admin", "drain", alone, "--timeout", "150ms")
	if o.is(t, cliutil.Unreachable); !strings.Contains(o.errs, "start another leader with --join") || strings.Contains(o.errs, "leaders lag") {
		t.Errorf("of one that is alone it says %s", o.errs)
	}
	if o = kv(t, nil, "admin", "drain", stuck, "--lift"); o.code != codeOK || !strings.Contains(o.out, "takes writes again") {
		t.Errorf("%d %s %s", o.code, o.out, o.errs)
	}
	kv(t, nil, "admin", "drain").is(t, cliutil.Misused)
	kv(t, nil, "admin", "drain", unused(t)).is(t, cliutil.Unreachable)
}

// A leader that leaves is drained before, and all others are told, as soon as they see
// that it is gone.
func TestLeaveAndReplace(t *testing.T) {
	told := array(bulk("leader"), bulk("n1"), bulk("node"), bulk("n3"), bulk("forgotten"), ":1\r\n")
	n1 := changing(t, map[string][]string{"KVD.FORGET": {"-ALIVE n3 is alive as n1 sees it\r\n", told},
		"KVD.STATUS": {saysStatus("n1", "false", "", "", ""), saysStatus("n1", "true", "", `{"name":"n3","ahead_ops":1}`, ""), saysStatus("n1", "true", "", `{"name":"n3"}`, "")}})
	leaves := func() map[string][]string {
		return map[string][]string{"KVD.DRAIN": {drainAnswer("1", "0", "7"), drainAnswer("1", "1", "0")}, "KVD.LEAVE": {array(bulk("leader"), bulk("n3"))}, "PING": {"+PONG\r\n"}}
	}
	answers := leaves()
	answers["KVD.MEMBERS"] = []string{memberAnswer("n1", n1, "n3", "127.0.0.1:1")}
	n3 := changing(t, answers)
	kv(t, nil, "admin", "leave", n3).is(t, codeOK, "n3 has left for good; n1 has all that it acknowledged\n")
	kv(t, nil, "admin", "replace", n3, n1).is(t, codeOK, "n3 has left for good; n1 has all that it acknowledged\n")

	answers = leaves()
	answers["KVD.MEMBERS"] = []string{memberAnswer("n1", unused(t), "n3", "127.0.0.1:1")}
	o := kv(t, nil, "admin", "leave", changing(t, answers))
	if o.is(t, cliutil.Unreachable); !strings.Contains(o.errs, "nobody could be told") {
		t.Errorf("it says %s", o.errs)
	}
	o = kv(t, nil, "admin", "leave", changing(t, map[string][]string{"KVD.DRAIN": {drainAnswer("1", "1", "0")}, "KVD.LEAVE": {"-ALONE n3 is the only leader there is\r\n"}}))
	if o.is(t, cliutil.Failed); !strings.Contains(o.errs, "the only leader") {
		t.Errorf("it says %s", o.errs)
	}
	o = kv(t, nil, "admin", "replace", n3, changing(t, map[string][]string{"KVD.STATUS": {saysStatus("n1", "false", "", "", "")}}), "--timeout", "150ms")
	if o.is(t, cliutil.Unreachable); !strings.Contains(o.errs, "nothing has changed") {
		t.Errorf("it says %s", o.errs)
	}
	kv(t, nil, "admin", "replace", "n3", "n3").is(t, cliutil.Misused)
}

// All leaders are told to read again; one that refuses is a failure, in its words.
func TestReload(t *testing.T) {
	read := serveStub(t, map[string]string{"KVD.RELOAD": array(bulk("leader"), bulk("n1"), bulk("read"), array(bulk("log-level"), bulk("users")), bulk("waiting"), array(bulk("resp-addr")))})
	kv(t, nil, "admin", "reload", "-n", read).is(t, codeOK, "n1 has read log-level and users again; from its next start on resp-addr counts\n")
	refuses := serveStub(t, map[string]string{"KVD.RELOAD": "-ERR the configuration is refused: no such file\r\n"})
	o := kv(t, nil, "admin", "reload", "-n", read+","+refuses)
	if o.is(t, cliutil.Failed); !strings.Contains(o.errs, "no such file") || !strings.Contains(o.out, "n1 has read") {
		t.Errorf("%s %s", o.out, o.errs)
	}
	kv(t, nil, "admin", "reload", "-n", read+","+unused(t)).is(t, cliutil.Unreachable)
}
