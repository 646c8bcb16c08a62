package main

import (
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// What members know of their clocks, and where they see those of the others.
func TestClock(t *testing.T) {
	said := func(name, clock, peers, alarms string) map[string]string {
		return map[string]string{"KVD.FORGOTTEN": array(), "KVD.STATUS": strings.Replace(saysStatus(name, "true", "", peers, alarms), `"uptime_seconds"`, clock+`"uptime_seconds"`, 1)}
	}
	// The length of a bulk string is that of its text.
	fix := func(m map[string]string) map[string]string {
		text := m["KVD.STATUS"]
		text = text[strings.Index(text, "\r\n")+2 : len(text)-2]
		m["KVD.STATUS"] = bulk(text)
		return m
	}
	n2 := serveStub(t, fix(said("n2", `"clock":{"asked":"auto","source":"claim","answers":false,"sources":[{"name":"kernel","unavailable":"nobody disciplines it"}]},`, "", "")))
	sees := `{"name":"n2","resp":"` + n2 + `","member":"alive","clock":{"earliest_seconds":-0.26,"latest_seconds":-0.24}}`
	n1 := serveStub(t, fix(said("n1", `"clock":{"asked":"ntp:a,b,c","source":"ntp:a,b,c","answers":true,"age_seconds":12.5,"steps":2,"sources":[{"name":"ntp:a,b,c","used":true,"reason":"3 of 3 servers agree"}]},`, sees, "")))
	o := kv(t, nil, "clock", "-n", n1+","+n2)
	o.is(t, codeOK)
	for _, want := range []string{
		"MEMBER  JUDGED BY", "n1      ntp:a,b,c                  ±10ms  12.5s         2    0", "n2      claim (auto finds nobody)  ±10ms  -             0    0",
		"n1: ntp:a,b,c: 3 of 3 servers agree", "n2: kernel: nobody disciplines it", "    n1  n2\nn1  -   -250ms±10ms\nn2  -   -",
	} {
		if !strings.Contains(o.out, want) {
			t.Errorf("%q is not in\n%s", want, o.out)
		}
	}
	o = kv(t, nil, "clock", "-n", n1+","+n2, "-o", "json")
	o.is(t, codeOK)
	for _, want := range []string{`"source":"ntp:a,b,c"`, `"others":{"n2":{"earliest_seconds":-0.26,"latest_seconds":-0.24}}`, `"unavailable":"nobody disciplines it"`} {
		if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(o.out, " ", ""), "\n", ""), strings.ReplaceAll(want, " ", "")) {
			t.Errorf("%s is not in\n%s", want, o.out)
		}
	}
	judged := serveStub(t, fix(said("n3", `"clock":{"asked":"claim","source":"claim","judged":{"state":"agreed","members":3,"heard":3,"quorum":2,"quarantine":"stamps","quarantined":true,"min_seconds":-5,"max_seconds":0,"median_seconds":-4.9,`+
		`"clocks":[{"name":"n3","outside_seconds":4.98,"claims_seconds":0.01},{"name":"n1","outside_seconds":0}]}},`, "", "")))
	o = kv(t, nil, "clock", "-n", judged)
	for _, want := range []string{"wrong by 5s, in quarantine", "n3: 3 clocks from -5s to +0s of its own, median -4.9s; n3 is outside by +5s and claims ±10ms"} {
		if !strings.Contains(o.out, want) {
			t.Errorf("%q is not in\n%s", want, o.out)
		}
	}
	apart := serveStub(t, fix(said("n4", "", "", `{"cause":"clocks","detail":"the clocks of n4 and n2 are 3 s apart"}`)))
	if o = kv(t, nil, "clock", "-n", apart); o.code != cliutil.Differs || !strings.Contains(o.errs, "3 s apart") {
		t.Errorf("%d %s", o.code, o.errs)
	}
	if o = kv(t, nil, "clock", "-n", n2+","+unused(t)); o.code != cliutil.Unreachable || !strings.Contains(o.errs, "does not answer") {
		t.Errorf("%d %s", o.code, o.errs)
	}
	kv(t, nil, "clock", "extra").is(t, cliutil.Misused)
}
