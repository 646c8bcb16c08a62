package main

import (
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// repairAnswer is what a leader found in some ranges; next: where to go on, as RESP.
func repairAnswer(mended, wrong, theirs, undecided, next string) string {
	number := func(n string) string { return ":" + n + "\r\n" }
	return array(bulk("leader"), bulk("n1"), bulk("peer"), bulk("n2"), bulk("keys"), number("10"), bulk("differences"), number("2"), bulk("bytes"), number("68"), bulk("explained"), number("0"),
		bulk("mended"), number(mended), bulk("wrong"), number(wrong), bulk("theirs"), number(theirs), bulk("undecided"), number(undecided),
		bulk("findings"), array(array(bulk("key"), bulk("x"), bulk("outcome"), bulk("mended"), bulk("detail"), bulk("it lacked a version"))), bulk("next"), next)
}

// A leader is asked range after range, of each of the others; what is wrong still is a
// difference, and so is what another holds that is not asked.
func TestRepair(t *testing.T) {
	const end = "$-1\r\n"
	members := memberAnswer("n1", "127.0.0.1:1", "n2", "127.0.0.1:1")
	asks := func(answers ...string) *actor {
		left := answers
		return newActor(t, "n1").on("KVD.MEMBERS", members).does("KVD.REPAIR", func(args []string) string {
			if args[1] == "n1" {
				return "-ITSELF n1 does not compare with itself\r\n"
			}
			answer := left[0]
			left = left[1:]
			return answer
		})
	}
	a := asks(repairAnswer("1", "0", "0", "0", bulk("k\xff")), repairAnswer("2", "0", "0", "0", end))
	o := kv(t, nil, "admin", "repair", "--only", "-n", a.addr, "--prefix", "p")
	o.is(t, codeOK, "n1 compared 20 keys with n2, 3 mended")
	if !strings.Contains(o.errs, "x is mended: it lacked a version") {
		t.Errorf("it says %s", o.errs)
	}
	if heard := a.asked("KVD.REPAIR"); len(heard) < 2 || heard[len(heard)-2] != "n2 PREFIX p" || heard[len(heard)-1] != "n2 PREFIX p AFTER k\xff" {
		t.Errorf("asked %q", heard)
	}
	for _, answer := range []string{repairAnswer("0", "1", "0", "0", end), repairAnswer("0", "0", "0", "1", end), repairAnswer("0", "0", "1", "0", end)} {
		kv(t, nil, "admin", "repair", "--only", "-n", asks(answer).addr).is(t, codeDiffers)
	}
	kv(t, nil, "admin", "repair", "--only", "-n", asks("-NOTCOMPARED n1: there is no link to it\r\n").addr).is(t, cliutil.Failed)
}
