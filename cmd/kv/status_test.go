package main

import (
	"encoding/json"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// saysStatus is a leader's answer to KVD.STATUS: peers and alarms are JSON.
func saysStatus(name, ready, frontier, peers, alarms string) string {
	return bulk(`{"name":"` + name + `","origin":"00000000000000aa","state":"serving","ready":` + ready + `,"reasons":[],"alarms":[` + alarms + `],` +
		`"uptime_seconds":1,"unshared_ops":3,"clock_error_seconds":0.01,"usage":{"log_bytes":67108864,"store_bytes":67200000,"memory_bytes":50000000,"memory_limit_bytes":268435456,"disk_free":5368709120,"disk_bytes":10737418240},` +
		`"frontier":[` + frontier + `],"peers":[` + peers + `]}`)
}

// One table has every member, those that do not answer among them; the exit code says
// whether somebody has to look.
func TestStatus(t *testing.T) {
	away := unused(t)
	peer := func(name, at, member string) string {
		return `{"name":"` + name + `","resp":"` + at + `","member":"` + member + `","lag_ops":2,"lag_seconds":90,"ahead_ops":0,"clock":{"earliest_seconds":-0.26,"latest_seconds":-0.24}}`
	}
	answers := func(text string) map[string]string {
		return map[string]string{"KVD.STATUS": text, "KVD.FORGOTTEN": array()}
	}
	n2 := serveStub(t, answers(saysStatus("n2", "true", `{"origin":"00000000000000aa","seq":5}`, "", "")))
	n1 := serveStub(t, answers(saysStatus("n1", "true", `{"origin":"00000000000000aa","seq":7}`, peer("n2", n2, "alive"), "")))
	alarmed := serveStub(t, answers(saysStatus("n4", "true", "", peer("n2", n2, "alive"), `{"cause":"conflicts","detail":"2 dots"}`)))
	unready := serveStub(t, answers(saysStatus("n5", "false", "", "", `{"cause":"disk","detail":"it failed"}`)))
	lonely := serveStub(t, answers(saysStatus("n6", "true", "", peer("n3", away, "absent")+`,{"name":"n7","member":"absent"}`, "")))

	o := kv(t, nil, "status", "-n", n1+","+n2)
	o.is(t, codeOK)
	lines := strings.Split(o.out, "\n")
	for i, want := range [][]string{{"MEMBER", "STATE", "ALARMS"}, {"n1", "serving", "yes", "3", "n2 2 for 1m30s", "n2 -250ms±10ms", "±10ms", "5.0 GiB (50 %)", "64 MiB", "48 MiB of 256 MiB"}, {"n2", "2 for 1m30s"}} {
		for _, part := range want {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d lacks %q: %s", i, part, o.out)
			}
		}
	}
	// Whom only another leader names is asked too.
	o = kv(t, nil, "status", "-n", n1+","+alarmed, "-o", "json")
	o.is(t, cliutil.Differs)
	var rows []struct {
		Member   string
		Answers  bool
		LacksOps uint64 `json:"lacks_ops"`
		Usage    struct {
			LogBytes uint64 `json:"log_bytes"`
		}
	}
	if err := json.Unmarshal([]byte(o.out), &rows); err != nil || len(rows) != 3 || rows[1].Member != "n2" || !rows[1].Answers || rows[1].LacksOps != 2 || rows[1].Usage.LogBytes != 64<<20 {
		t.Errorf("%v: %s", err, o.out)
	}
	if o = kv(t, nil, "status", "-n", n1+","+unready); o.code != cliutil.Unreachable || !strings.Contains(o.errs, "n5 is not ready") || !strings.Contains(o.out, "n5: disk: it failed") {
		t.Errorf("%d %s %s", o.code, o.out, o.errs)
	}
	o = kv(t, nil, "status", "-n", n1+","+lonely)
	if o.code != cliutil.Unreachable || !strings.Contains(o.errs, "n3 and n7 do not answer") {
		t.Errorf("%d: %s", o.code, o.errs)
	}
	for _, want := range []string{"n3      no answer  no     2 for 1m30s", "n3: no answer: ", "connection refused; the others call it absent", "n7: no answer: nobody knows where it serves clients"} {
		if !strings.Contains(o.out, want) {
			t.Errorf("%q is not in %s", want, o.out)
		}
	}
	kv(t, nil, "status", "-n", n1, "extra").is(t, cliutil.Misused)
}

// A leader of another age is a row as well, and one that is forgotten is none.
func TestStatusOfTheOldAndTheForgotten(t *testing.T) {
	old := serveStub(t, nil)
	away := unused(t)
	knows := serveStub(t, map[string]string{"KVD.STATUS": saysStatus("n1", "true", "", "", ""), "KVD.FORGOTTEN": array(array(bulk("name"), bulk(away), bulk("since"), ":1\r\n"))})
	if o := kv(t, nil, "status", "-n", knows+","+old); o.code != cliutil.Unreachable || !strings.Contains(o.out, "this server does not have the command") {
		t.Errorf("%d %s", o.code, o.out)
	}
	o := kv(t, nil, "status", "-n", knows+","+away)
	if o.is(t, codeOK); strings.Contains(o.out, away) || !strings.Contains(o.errs, "forgotten and not asked") {
		t.Errorf("%s %s", o.out, o.errs)
	}
}
