package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kvd/cmd/internal/clitest"
	"kvd/replica/replicatest"
)

// stops ends a leader in order.
func (n *served) stops() {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	n.end()
}

// wrote is a leader that wrote one thing, and was stopped.
func wrote(t *testing.T, dir string, write ...any) *served {
	t.Helper()
	n := serves(t, "n1", dir, "127.0.0.1:0")
	n.try(write...)
	n.stops()
	return n
}

// copied is a copy of everything in a directory, with times and modes.
func copied(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// emptied removes everything in a directory, which stays.
func emptied(t *testing.T, dir string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// A leader that never met another is stopped, its directory is copied, and both are
// started: the copy is no longer the leader that it was copied from.
func TestACopiedDirectoryBeginsANewOrigin(t *testing.T) {
	t.Parallel()
	dir, twin := t.TempDir(), t.TempDir()
	n1 := wrote(t, dir, "SET", "x", "1")
	copied(t, dir, twin)

	n2 := serves(t, "n2", twin, "127.0.0.1:0")
	n2.says("begins a new origin.*it may be a copy")
	again := serves(t, "n1", dir, "127.0.0.1:0", "--join", n2.gossip)
	if again.origin != n1.origin || again.resumed != "true" {
		t.Errorf("the directory itself begins origin %s", again.origin)
	}
	if n2.origin == n1.origin || n2.resumed != "false" {
		t.Errorf("the copy goes on with origin %s", n2.origin)
	}
	again.everywhere(1, "SET", "x", "here")
	n2.everywhere(1, "SET", "y", "there")
	n2.shows("x", "here")
	again.shows("y", "there")
}

// A leader is put back to an old backup, in the place of what it was, and whatever
// it wrote since is known to nobody else: the others see nothing wrong. No dot that
// it gave then is given again.
func TestAnOldBackupReusesNoDot(t *testing.T) {
	t.Parallel()
	dir, backup, gossip := t.TempDir(), t.TempDir(), free(t)
	faulty := []string{"--unsafe-faults", "--drain-timeout", "100ms"}
	n2 := serves(t, "n2", t.TempDir(), "127.0.0.1:0", faulty...)
	n1 := serves(t, "n1", dir, gossip, append(faulty, "--join", n2.gossip)...)
	n1.everywhere(1, "SET", "x", "old")
	n1.stops()
	copied(t, dir, backup)

	later := serves(t, "n1", dir, gossip, faulty...)
	if later.resumed != "true" {
		t.Fatal("the directory itself begins a new origin, which shows nothing")
	}
	replicatest.Eventually(t, "n1 has met n2 again", func() bool { return later.Do(t.Context(), "KVD.FAULT", "LINK", "n2", "cut=on").Err() == nil })
	later.writes(1, 300)
	later.stops()
	emptied(t, dir)
	copied(t, backup, dir)

	back := serves(t, "n1", dir, gossip, faulty...)
	if back.origin == n1.origin || back.resumed != "false" {
		t.Fatalf("the backup goes on with origin %s", back.origin)
	}
	back.says("begins a new origin.*(older backup|by a copy or a backup)")
	back.everywhere(1, "SET", "x", "new")
	back.writes(2, 300)
	back.everywhere(1, "SET", "x", "last")
	n2.shows("x", "last")
	for _, n := range []*served{n2, back} {
		front := n.try("KVD.FRONTIER").(map[any]any)
		if len(front) != 2 || front[n1.origin] != int64(1) {
			t.Errorf("%s has applied %v, want two origins, of which %s ended at 1", n.name, front, n1.origin)
		}
	}
}

// writes sets so many keys.
func (n *served) writes(round, count int) {
	n.t.Helper()
	for i := range count {
		n.try("SET", fmt.Sprintf("k%d", i), fmt.Sprintf("round %d, %d", round, i))
	}
}

// cloned makes a copy of a closed directory that is taken for the directory itself, as
// it is when a whole machine is cloned: its attestation is cloned with it.
func cloned(t *testing.T, from, to string) {
	t.Helper()
	copied(t, from, to)
	state := filepath.Join(stateHome(t), "kvd")
	attestation := func(dir *syscall.Stat_t) string {
		return filepath.Join(state, fmt.Sprintf("leader-%x-%x.json", dir.Dev, dir.Ino))
	}
	var was, dir, mark syscall.Stat_t
	if err := errors.Join(syscall.Stat(from, &was), syscall.Stat(to, &dir), syscall.Stat(filepath.Join(to, "store", "incarnation.json"), &mark)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(attestation(&was))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // origins have 64 bits
	if err := d.Decode(&said); err != nil {
		t.Fatal(err)
	}
	said["device"], said["inode"], said["mark_inode"], said["mark_changed"] = dir.Dev, dir.Ino, mark.Ino, mark.Ctim.Nano()
	if text, err = json.Marshal(said); err == nil {
		err = os.WriteFile(attestation(&dir), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// refused waits until the leader takes no writes, and says why.
func (n *served) refused(why string) {
	n.t.Helper()
	replicatest.Eventually(n.t, n.name+" says that it refuses writes: "+why, func() bool {
		body := n.page("/health/ready")
		return strings.Contains(body, `"ready": false`) && strings.Contains(body, "shared-origin") && strings.Contains(body, why)
	})
	if err := n.Do(context.Background(), "SET", "probe", "?").Err(); err == nil || !strings.HasPrefix(err.Error(), "READONLY ") || !strings.Contains(err.Error(), why) {
		n.t.Errorf("%s: a write is answered %v", n.name, err)
	}
	if body := n.page("/metrics"); !strings.Contains(body, "kvd_writes_refused 1") {
		n.t.Errorf("%s: the metrics do not say so", n.name)
	}
}

// Two machines hold one origin, and each gives one dot to another write before they
// meet through a third. Both stop taking writes, and say so; reads go on. One command
// gives one of them a new origin, and then both take writes. What both wrote under the
// dot is told by its name, with both contents, by both, and stays what it was.
func TestTwoHoldersOfOneOriginStopWriting(t *testing.T) {
	t.Parallel()
	dir, twin := t.TempDir(), t.TempDir()
	wrote(t, dir, "SET", "common", "0")
	cloned(t, dir, twin)
	n1 := serves(t, "n1", dir, "127.0.0.1:0")
	n2 := serves(t, "n2", twin, "127.0.0.1:0")
	if n1.origin != n2.origin {
		t.Fatal("the clone has an origin of its own, which shows nothing")
	}
	n1.try("SET", "x", "one")
	n2.try("SET", "y", "other")
	serves(t, "n3", t.TempDir(), "127.0.0.1:0", "--join", n1.gossip, "--join", n2.gossip)
	for _, n := range []*served{n1, n2} {
		n.refused(n1.origin)
		n.shows("common", "0")
	}
	n2.try("KVD.NEWORIGIN")
	replicatest.Eventually(t, "n2 serves under another origin", func() bool { return strings.Count(n2.text(), "msg=serving") == 2 })
	for _, n := range []*served{n1, n2} {
		replicatest.Eventually(t, n.name+" takes writes again", func() bool { return n.Do(context.Background(), "SET", n.name, "on").Err() == nil })
	}
	n1.shows("n2", "on")
	n2.shows("n1", "on")
	for n, want := range map[*served][2]string{n1: {"x one", "y other"}, n2: {"y other", "x one"}} {
		var all []any
		replicatest.Eventually(t, n.name+" names the dot", func() bool {
			all = n.try("KVD.CONFLICTS").(map[any]any)["conflicts"].([]any)
			return len(all) == 1
		})
		c := all[0].(map[any]any)
		here, there := c["here"].(map[any]any), c["there"].(map[any]any)
		if c["dot"] != n1.origin+"-2" || fmt.Sprint(here["key"], " ", here["value"]) != want[0] || fmt.Sprint(there["key"], " ", there["value"]) != want[1] {
			t.Errorf("%s tells of %v", n.name, c)
		}
	}
	n1.shows("x", "one")
	n2.shows("y", "other")
	replicatest.Eventually(t, "the dot is settled", func() bool { return n1.Do(t.Context(), "KVD.ACCEPT", n1.origin+"-2", "THERE").Err() == nil })
	for _, n := range []*served{n1, n2} {
		n.shows("x", "one")
		n.shows("y", "other")
	}
}

// killed ends a leader at once.
func (n *served) killed() {
	n.t.Helper()
	n.signal(syscall.SIGKILL)
	n.end()
}

// A leader is killed again and again, by SIGKILL and otherwise, with gossip at an address
// that it has again and at one that it has not. Another one, which it knows, cannot be
// reached from the second start on. It goes on with its origin, has all that it
// acknowledged, and numbers its statuses so that the third leader believes them.
func TestAKilledLeaderResumesItsOrigin(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"always", "interval", "never"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			dir, gossip := t.TempDir(), free(t)
			n2, gone := serves(t, "n2", t.TempDir(), "127.0.0.1:0"), serves(t, "n3", t.TempDir(), "127.0.0.1:0")
			join := []string{"--sync", when, "--join", n2.gossip}
			n1 := serves(t, "n1", dir, gossip, append(join, "--join", gone.gossip)...)
			n1.everywhere(2, "SET", "x", "0")
			gone.killed()
			for i := range 300 { // each is acknowledged by a status of n1's, with a number of its own
				if when == "always" { // else it says that it is durable once a second
					n2.everywhere(1, "SET", "many", i)
				}
			}
			n2.try("SET", "many", "last")
			for i := range 3 {
				n1.killed()
				again := serves(t, "n1", dir, gossip, join...)
				if again.origin != n1.origin || again.resumed != "true" {
					t.Fatalf("after kill %d it begins origin %s: %s", i, again.origin, again.text())
				}
				n1 = again
				n1.shows("x", fmt.Sprint(i))
				n1.everywhere(1, "SET", "x", fmt.Sprint(i+1))
				n2.everywhere(1, "SET", "y", i) // its statuses must count as new ones
				n2.shows("x", fmt.Sprint(i+1))
			}
			if front := n2.try("KVD.FRONTIER").(map[any]any); len(front) != 2 {
				t.Errorf("n2 has applied ops of origins %v", front)
			}
			n1.stops()
			last := serves(t, "n1", dir, "127.0.0.1:0", join...) // where nobody looks for it
			last.killed()
			if last = serves(t, "n1", dir, "127.0.0.1:0", join...); last.origin != n1.origin {
				t.Errorf("at another address it begins origin %s", last.origin)
			}
			replicatest.Eventually(t, "it is let in again, and takes writes", func() bool {
				return last.Do(t.Context(), "SET", "x", "last").Err() == nil && n2.Get(t.Context(), "x").Val() == "last"
			})
			if body := last.page("/health/ready"); strings.Contains(body, "shared-origin") {
				t.Errorf("it takes itself for another holder of its origin: %s", body)
			}
		})
	}
}

// A directory is copied while its leader runs, or after it was killed: the copy begins a
// new origin.
func TestACopyOfAKilledLeaderBeginsANewOrigin(t *testing.T) {
	t.Parallel()
	dir, alive, dead := t.TempDir(), t.TempDir(), t.TempDir()
	n1 := serves(t, "n1", dir, "127.0.0.1:0")
	n1.try("SET", "x", "1")
	copied(t, dir, alive)
	n1.killed()
	copied(t, dir, dead)
	for name, twin := range map[string]string{"n2": alive, "n3": dead} {
		if c := serves(t, name, twin, "127.0.0.1:0"); c.origin == n1.origin || c.resumed != "false" {
			t.Errorf("%s goes on with origin %s", name, c.origin)
		}
	}
	if again := serves(t, "n1", dir, "127.0.0.1:0"); again.origin != n1.origin {
		t.Errorf("the directory itself begins origin %s", again.origin)
	}
}

// The store alone is put back to an older one, whose leader then wrote more and was killed
// before anybody wrote down how far it came.
func TestAnOlderStoreBeginsANewOrigin(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), t.TempDir()
	wrote(t, dir, "SET", "x", "old")
	store := filepath.Join(dir, "store")
	copied(t, store, backup)
	n1 := serves(t, "n1", dir, "127.0.0.1:0")
	n1.try("SET", "x", "lost")
	n1.killed()
	emptied(t, store)
	copied(t, backup, store)
	back := serves(t, "n1", dir, "127.0.0.1:0")
	if back.origin == n1.origin {
		t.Errorf("it goes on with origin %s", back.origin)
	}
	back.says("store is damaged.*a later one, .*, was in use") // and were it not, its mark would be an older one
	back.shows("x", "old")
}

// A machine is rolled back as a whole, with what attests its directory. A peer that knows
// more is asked; where it cannot be, it is found out when they meet, and writing ends.
func TestARollbackOfAMachineIsFoundByPeers(t *testing.T) {
	t.Parallel()
	for _, reached := range []bool{true, false} {
		t.Run(fmt.Sprint("the peer can be asked: ", reached), func(t *testing.T) {
			t.Parallel()
			dir, back, gossip := t.TempDir(), t.TempDir(), free(t)
			n2dir, n2gossip := t.TempDir(), free(t)
			n2 := serves(t, "n2", n2dir, n2gossip)
			n1 := serves(t, "n1", dir, gossip, "--join", n2gossip)
			n1.everywhere(1, "SET", "x", "old")
			n1.stops()
			cloned(t, dir, back)
			n1 = serves(t, "n1", dir, gossip)
			n1.everywhere(1, "SET", "x", "lost")
			n1.stops()
			if !reached {
				n2.stops()
			}
			was := serves(t, "n1", back, gossip)
			if reached {
				was.says("begins a new origin.*n2 has 2 ops.*and our log ends at 1")
				was.shows("x", "lost")
				return
			}
			if was.origin != n1.origin {
				t.Fatalf("it begins origin %s, which shows nothing", was.origin)
			}
			was.try("SET", "x", "again")
			serves(t, "n2", n2dir, n2gossip)
			was.refused("n2 holds other ops of origin")
		})
	}
}

// programs is where each test has built kv.
var programs sync.Map

// kvProgram is kv, built when a test first asks.
func kvProgram(t *testing.T) string {
	t.Helper()
	if path, built := programs.Load(t); built {
		return path.(string)
	}
	path := filepath.Join(t.TempDir(), "kv")
	clitest.Build(t, filepath.Dir(path), "kvd/cmd/kv")
	programs.Store(t, path)
	return path
}

// kv runs kv for the leaders, and gives its exit code and what it said.
func kv(t *testing.T, leaders []*served, args ...string) (code int, said string) {
	t.Helper()
	var addrs []string
	for _, n := range leaders {
		addrs = append(addrs, n.Options().Addr)
	}
	cmd := exec.Command(kvProgram(t), append([]string{"-n", strings.Join(addrs, ",")}, args...)...)
	cmd.Env = append(cmd.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "XDG_STATE_HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// wants fails unless kv ends with the code and says what it should.
func wants(t *testing.T, leaders []*served, code int, says string, args ...string) {
	t.Helper()
	if got, said := kv(t, leaders, args...); got != code || !strings.Contains(said, says) {
		t.Errorf("kv %s ends with %d, want %d and %q:\n%s", strings.Join(args, " "), got, code, says, said)
	}
}

// Two holders of one origin write under the same dots: to one key and to two, to
// registers, siblings and counters. From there an operator goes by what kv says, and
// comes to the end of it: everybody shows the same, and nothing is complained of any
// more, after a restart neither.
func TestWhatTwoHoldersWroteIsSettledToItsEnd(t *testing.T) {
	t.Parallel()
	policy := []string{"--policy", "s:=siblings", "--policy", "c:=counter"}
	dir, twin := t.TempDir(), t.TempDir()
	n1 := serves(t, "n1", dir, "127.0.0.1:0", policy...)
	for _, w := range [][]any{{"SET", "l:both", "0"}, {"SET", "s:both", "0"}, {"INCRBY", "c:both", "10"}, {"INCRBY", "c:one", "10"}} {
		n1.try(w...)
	}
	n1.stops()
	cloned(t, dir, twin)
	n1 = serves(t, "n1", dir, "127.0.0.1:0", policy...)
	n2 := serves(t, "n2", twin, "127.0.0.1:0", policy...)
	if n1.origin != n2.origin {
		t.Fatal("the clone has an origin of its own, which shows nothing")
	}
	for _, w := range [][2][]any{
		{{"SET", "l:both", "one"}, {"SET", "l:both", "two"}},
		{{"SET", "s:both", "one"}, {"SET", "s:both", "two"}},
		{{"INCRBY", "c:both", "3"}, {"INCRBY", "c:both", "5"}},
		{{"INCRBY", "c:one", "1"}, {"SET", "l:two", "two"}},
		{{"DEL", "s:both"}, {"SET", "s:two", "two"}},
		{{"SET", "l:one", "one"}, {"INCRBY", "c:two", "7"}},
		{{"SET", "l:same", "?"}, {"SET", "l:same", "?"}},      // stamped by other clocks: two writes all the same
		{{"INCRBY", "c:cnt", "1"}, {"SET", "l:far", "other"}}, // under another resolver
	} {
		n1.try(w[0]...)
		n2.try(w[1]...)
	}
	n3 := serves(t, "n3", t.TempDir(), "127.0.0.1:0", append(policy, "--join", n1.gossip, "--join", n2.gossip)...)
	for _, n := range []*served{n1, n2} {
		n.refused(n1.origin)
	}
	all := []*served{n1, n2, n3}
	replicatest.Eventually(t, "n2 has begun a new origin", func() bool { code, _ := kv(t, all[1:2], "admin", "new-origin"); return code == 0 })
	replicatest.Eventually(t, "n2 serves under another origin", func() bool { return strings.Count(n2.text(), "msg=serving") == 2 })
	for _, n := range all {
		replicatest.Eventually(t, n.name+" takes writes", func() bool { return n.Do(context.Background(), "SET", n.name, "on").Err() == nil })
	}
	for _, n := range all[:2] {
		replicatest.Eventually(t, n.name+" names every dot", func() bool { return n.try("KVD.CONFLICTS").(map[any]any)["open"] == int64(8) })
	}
	replicatest.Eventually(t, "n1 is given something newer", func() bool { // a status that is late may make n1 refuse for a moment
		return n1.Do(t.Context(), "SET", "l:one", "newer").Err() == nil
	})
	for _, args := range [][]string{{"wait", "--converged"}, {"audit"}, {"compare", "--prefix", ""}} {
		wants(t, all, 4, "", args...)
	}
	replicatest.Eventually(t, "a dot is settled", func() bool {
		code, said := kv(t, all[:1], "admin", "accept", n1.origin+"-6", "there")
		return code == 0 && strings.Contains(said, n1.origin+"-6 is settled")
	})
	wants(t, all[:1], 1, "is settled already", "admin", "accept", n1.origin+"-6", "here")
	wants(t, all, 4, "n1 has 7 writes", "wait", "--converged")
	wants(t, all[:1], 0, "settled", "admin", "settle", n1.origin+"-11")
	wants(t, all[:1], 0, "6 dots settled", "admin", "accept", "--all", "here")
	content := map[string]string{"l:both": "one", "s:both": "two", "c:both": "13", "c:one": "11", "l:two": "two", "s:two": "two", "l:one": "newer", "c:two": "7", "l:same": "?", "c:cnt": "1", "l:far": "other"}
	settledEverywhere(t, all, content)
	wants(t, all, 0, "The dot was given twice", "fate", n1.origin+"-12")
	n2.stops()
	all[1] = serves(t, "n2", twin, n2.gossip, append(policy, "--join", n1.gossip)...)
	settledEverywhere(t, all, content)
}

// settledEverywhere looks that nobody complains, and that all show the content.
func settledEverywhere(t *testing.T, all []*served, content map[string]string) {
	t.Helper()
	for _, args := range [][]string{{"--timeout", "15s", "wait", "--converged"}, {"audit"}, {"compare", "--prefix", ""}} {
		wants(t, all, 0, "", args...)
	}
	for _, n := range all {
		for key, value := range content {
			n.shows(key, value)
		}
		said := n.try("KVD.CONFLICTS").(map[any]any)
		if said["open"] != int64(0) || n.name != "n3" && said["total"] != int64(8) {
			t.Errorf("%s: %v of %v are open", n.name, said["open"], said["total"])
		}
		if body := n.page("/metrics"); !strings.Contains(body, "kvd_conflicting_dots 0") {
			t.Errorf("%s: the metrics still count them", n.name)
		}
		if body := n.page("/health/ready"); !strings.Contains(body, `"ready": true`) {
			t.Errorf("%s: %s", n.name, body)
		}
	}
}
