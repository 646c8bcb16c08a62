package script_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"kvd/scenarios/script"
)

// head is four lines, so that what a case adds begins at line 5.
const head = "-- scenario --\nname t\nleaders n1 n2 n3\nclient A at=n1\n"

// narrow is head in the narrowest model; cases begin at line 6.
const narrow = head + "model timing=synchronous nodes=crash-stop\n"

// malformed scripts, each with the whole message it must earn.
func malformed() []struct{ name, script, want string } {
	return []struct{ name, script, want string }{
		{"misspelt option", head + "link n1>n2 dealy=5ms", `t:5:12: read "dealy", expected one of delay, jitter, loss, duplicate, reorder; did you mean delay?`},
		{"misspelt verb", head + "setle 1s", `t:5:1: read "setle", expected one of name, title, model, leaders, policy, shadow, settings, seed, client, at, after, every, settle, check, clock, link, partition, cut; did you mean settle?`},
		{"option value", head + "link n1>n2 delay=5", `t:5:18: read "5", expected a duration such as 200ms`},
		{"signed delay", head + "link n1>n2 delay=-5ms", `t:5:18: read "-5ms", expected a duration such as 200ms`},
		{"option twice", head + "link * loss=1% loss=2%", `t:5:21: read "2%", expected each option once`},
		{"no option", head + "link n1>n2", `t:5:11: read nothing more, expected one of delay, jitter, loss, duplicate, reorder`},
		{"bad rate", head + "link * loss=101%", `t:5:13: read "101%", expected a percentage from 0% to 100% with at most four decimals`},
		{"rate without sign", head + "link * loss=0.3", `t:5:13: read "0.3", expected a percentage from 0% to 100% with at most four decimals`},
		{"link to itself", head + "link n1>n1 delay=1s", `t:5:9: read "n1", expected another leader`},
		{"link without arrow", head + "link n1 delay=1s", `t:5:6: read "n1", expected N1>N2 or *`},
		{"unknown leader", head + "clock n4 error=1ms", `t:5:7: read "n4", expected one of *, n1, n2, n3; did you mean n1?`},
		{"drift too fast", head + "clock n1 drift=-1000000ppm", `t:5:16: read "-1000000ppm", expected a whole drift such as 200ppm, above -1000000ppm (a clock that stands) and at most 1000000ppm`},
		{"strobe without period", head + "clock n1 strobe=1s", `t:5:17: read "1s", expected amplitude/period such as 1s/200ms, or off`},
		{"strobe of no period", head + "clock n1 strobe=1s/0s", `t:5:20: read "0s", expected a duration above zero such as 200ms`},
		{"unknown resolver", head + `policy cart/=lvw`, `t:5:14: read "lvw", expected one of lww, lamport, hlc, interval, siblings, causal, counter, *; did you mean lww?`},
		{"policy without resolver", head + "policy cart", `t:5:8: read "cart", expected PREFIX=RESOLVER; "" is the prefix of every key`},
		{"unknown option of a policy", head + "policy a=siblings,read=all", `t:5:24: read "all", expected pick`},
		{"unknown fate", head + "policy a=*,doomed=lifted", `t:5:19: read "lifted", expected one of accept, refuse, lift; did you mean lift?`},
		{"a fate of what never loses", head + "policy a=causal,doomed=lift", `t:5:17: read "doomed=lift", expected no doomed= for causal; it never loses a write that its leader knows to be beaten`},
		{"a wait by stamps without bounds", head + "policy a=hlc,commit-wait", `t:5:14: read "commit-wait", expected no commit-wait for hlc; it is for interval, whose stamps say how wrong a clock may be`},
		{"a life of nothing", head + "at 1s A expire x 0s", `t:5:18: read "0s", expected a duration above zero such as 200ms`},
		{"an option twice", head + "policy a=lww,doomed=lift,doomed=lift", `t:5:26: read "doomed=lift", expected each option once`},
		{"unknown shadow", head + "shadow lww all", `t:5:12: read "all", expected one of lww, lamport, hlc, interval, siblings, causal, counter; did you mean hlc?`},
		{"shadow twice", head + "shadow lww lww", `t:5:12: read "lww", expected each resolver once`},
		{"a setting of nothing", head + "settings gate-ops=0", `t:5:19: read "0", expected a whole number from 1 to 2000000`},
		{"no setting", head + "settings", `t:5:9: read nothing more, expected one of gate-ops, window-ops, batch-ops, waiting, max-siblings, history, pinned, quarantine, quarantine-beyond, max-drift, token-wait`},
		{"no quarantine", head + "settings quarantine=stamp", `t:5:21: read "stamp", expected one of warn, stamps, all; did you mean stamps?`},
		{"seed zero", head + "seed 0", `t:5:6: read "0", expected a whole number from 1 on`},
		{"policy twice", head + "policy a=lww a=hlc", `t:5:14: read "a=hlc", expected one policy for each prefix`},
		{"no trigger for a client", head + "A set x 1", `t:5:1: read "A", expected a trigger before it; begin the line with at, after or every`},
		{"no trigger for a fault", head + "crash n1", `t:5:1: read "crash", expected a trigger before it; begin the line with at, after or every`},
		{"two triggers", head + "at 1s every 1s times=2 A get x", `t:5:7: read "every", expected one of A, clock, link, partition, cut, heal, pause, crash, restart, wipe, backup, restore, clone, disk, rot, forget`},
		{"nothing triggered", head + "at 1s", `t:5:6: read nothing more, expected one of A, clock, link, partition, cut, heal, pause, crash, restart, wipe, backup, restore, clone, disk, rot, forget`},
		{"misspelt declaration", "-- scenario --\nname t\nleadrs n1 n2\nclient A at=n1", `t:3:1: read "leadrs", expected one of name, title, model, leaders, policy, shadow, settings, seed, client, at, after, every, settle, check, clock, link, partition, cut; did you mean leaders?`},
		{"unknown operation", head + "at 1s A sett x 1", `t:5:9: read "sett", expected one of set, get, delete, incr, update, append, lock, unlock, expire, persist, goto; did you mean set?`},
		{"no key", head + "at 1s A get", `t:5:12: read nothing more, expected a key`},
		{"no value", head + "at 1s A set x", `t:5:14: read nothing more, expected a value`},
		{"empty key", head + `at 1s A get ""`, `t:5:13: read "\"\"", expected a key of 1 to 1024 bytes`},
		{"amount zero", head + "at 1s A incr x by 0", `t:5:19: read "0", expected a whole number other than zero, within ±1000000000000`},
		{"update without sign", head + "at 1s A update x 1", `t:5:18: read "1", expected +N or -N`},
		{"comma in element", head + "at 1s A append s a,b", `t:5:18: read "a,b", expected an element without commas; commas separate the elements of a set`},
		{"label twice", head + "at 1s A set x 1 as w1\nat 2s A set x 2 as w1", `t:6:20: read "w1", expected a label that no operation has yet`},
		{"label of many", head + "every 1s times=2 A set x 1 as w1", `t:5:31: read "w1", expected no label on something that happens 2 times; labels name one operation: times=1`},
		{"label on goto", head + "at 1s A goto n2 as g", `t:5:17: read "as", expected the end of the line`},
		{"label before its line", head + "after w1 A get x\nat 1s A set x 1 as w1", `t:5:7: read "w1", expected the label of an operation on an earlier line`},
		{"label of its own line", head + "after w1 A set x 1 as w1", `t:5:7: read "w1", expected the label of an operation on an earlier line`},
		{"seen by without by", head + "at 1s A set x 1 as w1\nafter w1 seen n2 A get x", `t:6:15: read "n2", expected by; seen by is followed by a leader`},
		{"a read is not seen", head + "at 1s A get x as r1\nafter r1 seen by n2 A get x", `t:6:7: read "r1", expected the label of a write; get leaves nothing another leader could see`},
		{"a lock for ever", head + "at 1s A lock l", `t:5:9: read "lock", expected ttl=D behind it; a lock without one outlives whoever held it`},
		{"two kinds of one lock", head + "at 1s A lock l ttl=1s\nat 2s A lock l ttl=1s redlock", `t:6:9: read "lock", expected the same kind of lock as on the line that took l first; say redlock on each of them or on none`},
		{"a lock that nobody takes", head + "at 1s A lock job ttl=1s\nat 2s A set x 1 fenced jop", `t:6:24: read "jop", expected a lock that an operation on an earlier line takes; did you mean job?`},
		{"a redlock has no token", head + "at 1s A lock l ttl=1s redlock\nat 2s A set x 1 fenced l", `t:6:17: read "fenced", expected under; a redlock has no token that a leader could hold against another`},
		{"a fenced read", head + "at 1s A lock l ttl=1s\nat 2s A get x fenced l", `t:6:15: read "fenced", expected under; reads are not fenced`},
		{"under two locks", head + "at 1s A lock l ttl=1s\nat 2s A set x 1 under l fenced l", `t:6:25: read "fenced", expected under or fenced, once`},
		{"a pause where nothing lies between", head + "at 1s A set x 1 pause=1s", `t:5:17: read "pause", expected one of as, timeout, retry, under, fenced`},
		{"every without times", head + "every 1s A get x", `t:5:10: read "A", expected one of times, from`},
		{"too many times", head + "every 1s times=1000001 A get x", `t:5:16: read "1000001", expected a whole number from 1 to 1000000`},
		{"too many happenings", head + strings.Repeat("every 1s times=1000000 A get x\n", 3), `t:7:1: read "every", expected at most 2000000 happenings in all events together`},
		{"too long a repetition", head + "every 87600h times=3 A get x", `t:5:7: read "87600h", expected the last of 3 times within 10 years`},
		{"too late", head + "at 87601h A get x", `t:5:4: read "87601h", expected a duration of at most 10 years`},
		{"too long a chain", head + "at 87600h A set x 1 as w1\nafter w1 +1h A get x", `t:6:10: read "+1h", expected a moment within 10 years of true time zero`},
		{"retry without timeout", head + "at 1s A set x 1 retry=n2", `t:5:9: read "set", expected a timeout with retry; nothing is retried by a client that waits for ever`},
		{"client that never retries", head + "client B at=n1 retry=n2", `t:5:8: read "B", expected a timeout with retry; nothing is retried by a client that waits for ever`},
		{"client without leader", head + "client B session", `t:5:17: read nothing more, expected at=N`},
		{"client named like a verb", head + "client cut at=n1", `t:5:8: read "cut", expected a client's name that is no word of the language`},
		{"client named like a leader", head + "client n1 at=n1", `t:5:8: read "n1", expected a name that no leader and no client has yet`},
		{"session with a value", head + "client B at=n1 session=yes", `t:5:16: read "session=yes", expected "session" without an equals sign`},
		{"clock claims", narrow + "clock n1 error=2ms offset=+3ms", `t:6:10: read "error=2ms", expected no clock offset +3ms of n1 beyond its error of 2ms under timing=synchronous; timing=partially-synchronous would allow it`},
		{"one side", head + "at 1s partition n1 n2 |", `t:5:24: read nothing more, expected N1 | N2 ...: at least two sides with a leader each`},
		{"leader on two sides", head + "at 1s partition n1 | n2 n1", `t:5:25: read "n1", expected each leader on one side`},
		{"cut between clients", head + "client B at=n1\nat 1s cut A<B", `t:6:13: read "B", expected one of n1, n2, n3`},
		{"cut of nobody", head + "at 1s cut client A", `t:5:11: read "client", expected N1>N2, A>N or A<N`},
		{"unknown backup", head + "at 1s backup n1 as b1\nat 2s restore n1 from b2", `t:6:23: read "b2", expected a backup taken on an earlier line; did you mean b1?`},
		{"fate of bytes", head + "at 1s crash n1 unsynced=loose", `t:5:25: read "loose", expected one of keep, lose, torn; did you mean lose?`},
		{"left over", head + "at 1s restart n1 now", `t:5:18: read "now", expected the end of the line`},
		{"trailing comment", head + "at 1s A get x # why", `t:5:15: read "#", expected no comment behind other words; give the comment a line of its own, or quote the word`},
		{"open quote", head + `at 1s A set x "1`, `t:5:15: read "\"1", expected a double-quoted Go string; look for the closing quote and the escapes`},
		{"quote inside", head + `at 1s A set x 1"`, `t:5:15: read "1\"", expected a quote only at the beginning of a word; quote the whole word as a Go string`},
		{"set-up below an event", head + "at 1s A get x\nclock n1 error=1ms", `t:6:1: read "clock", expected a trigger, or this line above the first event; without a trigger it happens before time zero`},
		{"check before settle", head + "check converged", `t:5:1: read "check", expected settle before the first check`},
		{"settle twice", head + "settle 1s\nsettle 1s", `t:6:1: read "settle", expected no second settle line`},
		{"event after settle", head + "settle 1s\nat 1s A get x", `t:6:1: read "at", expected a check; nothing happens after settle`},
		{"unknown check", head + "settle 1s\ncheck converge", `t:6:7: read "converge", expected one of converged, lost, acked, session, no-resurrection, no-overcount, value, visible, durability, log; did you mean converged?`},
		{"check of an unknown client", head + "settle 1s\ncheck session B all", `t:6:15: read "B", expected A`},
		{"check for nobody", head + "settle 1s\ncheck converged for", `t:6:20: read nothing more, expected one of lww, lamport, hlc, interval, siblings, causal, counter`},
		{"check of a negative", head + "settle 1s\ncheck lost x = -1", `t:6:16: read "-1", expected a whole number from 0 to 2000000`},
		{"no settle", head + "at 1s A get x\n", `t:6:1: read nothing more, expected a line settle T`},
		{"no name", "-- scenario --\nleaders n1\nsettle 1s\n-- expect --\n", `t:4:1: read nothing more, expected a line name N`},
		{"name twice", head + "name u", `t:5:1: read "name", expected no second name line`},
		{"leaders after client", "-- scenario --\nname t\nclient A at=n1\nleaders n1\n", `t:3:13: read "n1", expected a leader; the leaders line stands above the lines that name them`},
		{"leader twice", "-- scenario --\nleaders n1 n1", `t:2:12: read "n1", expected a name that no leader and no client has yet`},
		{"unknown model", "-- scenario --\nmodel timing=sync", `t:2:14: read "sync", expected one of synchronous, partially-synchronous, asynchronous`},
		{"no archive", "name t\n", `t:2:1: read nothing more, expected -- scenario --`},
		{"another file", "prose\n-- script --\nname t\n", `t:2:1: read "-- script --", expected -- scenario --`},
		{"a third file", head + "settle 1s\n-- expect --\na\n-- more --\n", `t:8:1: read "-- more --", expected the end of the file`},
		{"ragged table", head + "settle 1s\n-- expect --\na b\n1\n", `t:8:2: read nothing more, expected 2 cells as in the header, not 1`},
		{"control character", head + "at 1s A set x \x01", `t:5:15: read "\x01", expected plain text in UTF-8; remove the byte, or quote it in a Go string`},
		{"not UTF-8", head + "at 1s A set x \xff", `t:5:15: read "\xff", expected plain text in UTF-8; remove the byte, or quote it in a Go string`},
		{"too many bytes", strings.Repeat("x", 1<<20+1), `t:1:1: read "1048577 bytes", expected at most 1048576 bytes`},
		{"too many lines", strings.Repeat("\n", 20_001), `t:20001:1: read "20001 lines", expected at most 20000 lines`},
		{"value too long", head + "at 1s A set x " + strings.Repeat("v", 64<<10+1), `t:5:15: read "` + strings.Repeat("v", 48) + `...", expected a value of 0 to 65536 bytes`},
	}
}

func TestMalformed(t *testing.T) {
	for _, c := range malformed() {
		t.Run(c.name, func(t *testing.T) { expectError(t, c.script, c.want) })
	}
}

func expectError(t *testing.T, text, want string) {
	t.Helper()
	_, err := script.Parse("t", []byte(text))
	var mistake *script.Error
	if !errors.As(err, &mistake) {
		t.Fatalf("got %v, want an *Error in it", err)
	}
	if mistake.Error() != want {
		t.Errorf("got  %s\nwant %s", mistake, want)
	}
}

// Every fault that a narrow model refuses names the fault, the model and the
// model that would allow it, and is accepted there.
func TestModelRefusesFaults(t *testing.T) {
	for _, c := range []struct{ line, fault, model, wider string }{
		{"link * loss=1%", "loss", "timing=synchronous", "timing=partially-synchronous"},
		{"cut n1>n2", "cut", "timing=synchronous", "timing=partially-synchronous"},
		{"at 1s partition n1 | n2", "partition", "timing=synchronous", "timing=partially-synchronous"},
		{"at 1s pause n1 1s", "pause", "timing=synchronous", "timing=partially-synchronous"},
		{"clock n1 step=-1s", "clock step", "timing=synchronous", "timing=partially-synchronous"},
		{"clock n1 freeze=1s", "clock freeze", "timing=synchronous", "timing=partially-synchronous"},
		{"clock n1 strobe=1s/1s", "clock strobe", "timing=synchronous", "timing=partially-synchronous"},
		{"clock n1 drift=-201ppm", "drift beyond 200ppm", "timing=synchronous", "timing=partially-synchronous"},
		{"clock * offset=-1ms", "clock offset -1ms of n1 beyond its error of 0s", "timing=synchronous", "timing=partially-synchronous"},
		{"at 1s restart n1", "restart", "nodes=crash-stop", "nodes=crash-recovery"},
		{"at 1s wipe n1", "wipe", "nodes=crash-stop", "nodes=crash-recovery"},
		{"at 1s backup n1 as b", "backup", "nodes=crash-stop", "nodes=crash-recovery"},
	} {
		_, err := script.Parse("t", []byte(narrow+c.line))
		want := fmt.Sprintf("expected no %s under %s; %s would allow it", c.fault, c.model, c.wider)
		if err == nil || !strings.Contains(err.Error(), want+"\n") {
			t.Errorf("%s: got %v, want it to end in %q", c.line, err, want)
		}
		wide := head + "model timing=partially-synchronous nodes=crash-recovery\n" + c.line + "\nsettle 1s\n"
		if _, err := script.Parse("t", []byte(wide)); err != nil {
			t.Errorf("%s: refused in the wider model: %v", c.line, err)
		}
	}
}

func TestModelAdmitsItsOwn(t *testing.T) {
	text := narrow + `clock * error=4ms
clock n1 offset=+4ms drift=200ppm
link * delay=5ms jitter=1ms duplicate=1% reorder=5% loss=0%
at 1s crash n1 unsynced=lose
settle 1s
`
	if _, err := script.Parse("t", []byte(text)); err != nil {
		t.Error(err)
	}
}
