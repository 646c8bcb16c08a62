package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kvd/replica/node/internal/policies"
	"kvd/replica/replicatest"
	"kvd/resolve"
)

// renewed is a node that is started again when its leader wants to be, as kvd serve does.
type renewed struct {
	t *testing.T
	sync.Mutex
	*node
	ended    chan struct{}
	watching sync.WaitGroup
}

func renewable(t *testing.T, n *node) *renewed {
	r := &renewed{t: t, node: n, ended: make(chan struct{})}
	r.watch(n.Leader)
	t.Cleanup(func() { close(r.ended); r.watching.Wait() })
	return r
}

func (r *renewed) watch(l *Leader) {
	r.watching.Go(func() {
		select {
		case why := <-l.Broken():
			if errors.Is(why, ErrPolicy) {
				r.again(nil)
			}
		case <-r.ended:
		}
	})
}

func (r *renewed) now() *node {
	r.Lock()
	defer r.Unlock()
	return r.node
}

// again starts the leader once more; change runs in between.
func (r *renewed) again(change func(*Config)) {
	r.Lock()
	defer r.Unlock()
	cfg := r.Again()
	if err := r.Stop(context.Background()); err != nil {
		r.t.Errorf("stop: %v", err)
	}
	if change != nil {
		change(&cfg)
	}
	l, err := Start(context.Background(), cfg)
	if err != nil {
		r.t.Errorf("start again: %v", err)
		return
	}
	r.t.Cleanup(func() { _ = l.Stop(context.Background()) })
	r.node = newNode(r.t, l)
	r.watch(l)
}

// renewables is a cluster on disk whose leaders are started again.
func renewables(t *testing.T, n int, p resolve.Policy) (all []*renewed) {
	for _, one := range cluster(t, n, p, func(_ int, c *Config) {
		c.FS, c.Dir, c.StateDir, c.Renewable = nil, t.TempDir(), t.TempDir(), true
	}) {
		all = append(all, renewable(t, one))
	}
	return all
}

func nodes(all []*renewed) (now []*node) {
	for _, r := range all {
		now = append(now, r.now())
	}
	return now
}

// under waits until leaders serve under the policy, linked to each other.
func under(t *testing.T, all []*renewed, text string) {
	t.Helper()
	replicatest.Eventually(t, "all serve under "+text, func() bool {
		for _, r := range all {
			n := r.now()
			if n.Policy() != text || !n.Serving() || len(n.linked()) < len(all)-1 {
				return false
			}
		}
		return true
	})
}

// TestAPolicyIsChangedWhileLeadersRun: one leader is told, all go over to it, under load; what was
// acknowledged is there, and settings of before do not bring the old one back.
func TestAPolicyIsChangedWhileLeadersRun(t *testing.T) {
	all := renewables(t, 3, everybody(resolve.LWW))
	all[0].ask("SET", "n:1", "41")
	all[1].ask("SET", "t:1", "text")
	settle(t, nodes(all))

	var acknowledged sync.Map
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i, r := range all {
		load.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				key := fmt.Sprintf("w:%d:%d", i, k)
				if r.now().client.Set(ctx, key, "v", 0).Err() == nil {
					acknowledged.Store(key, true)
				}
			}
		})
	}
	out := all[1].tell("KVD.POLICYSET", "SET", "n:", "counter,acks=2", "DEFAULT", "siblings")
	if out["number"] != int64(1) || out["changed"] != int64(1) || len(out["adopted"].([]any)) != 3 {
		t.Errorf("answered %v", out)
	}
	const after = `*=siblings "n:"=counter,acks=2`
	under(t, all, after)
	cancel()
	load.Wait()
	settle(t, nodes(all))
	same(t, nodes(all))
	for i, r := range all {
		n := r.now()
		if got := n.ask("GET", "n:1"); got != "41" {
			t.Errorf("%s shows the number as %v", n.Name(), got)
		}
		lost := 0
		acknowledged.Range(func(key, _ any) bool {
			if n.ask("GET", key) != "v" {
				lost++
			}
			return true
		})
		if lost > 0 {
			t.Errorf("%s lacks %d writes that were acknowledged", n.Name(), lost)
		}
		all[i].again(func(c *Config) { c.Policy, c.PolicyVersion = everybody(resolve.LWW), policies.Version{} }) // as a new process
	}
	under(t, all, after)
	for _, r := range all {
		r.ask("INCRBY", "n:1", 1)
	}
	settle(t, nodes(all))
	if got := all[2].ask("GET", "n:1"); got != "44" {
		t.Errorf("counted on it is %v", got)
	}
	if s := all[0].tell("KVD.POLICYSET"); s["number"] != int64(1) || s["by"] != "n2" || s["policy"] != after {
		t.Errorf("it says %v", s)
	}
}

// TestAPolicyThatCannotBeChangesNothing: what is wrong with it is found, by name, before any leader
// goes over to it.
func TestAPolicyThatCannotBeChangesNothing(t *testing.T) {
	all := renewables(t, 2, everybody(resolve.LWW))
	n1, n2 := all[0].now(), all[1].now()
	n2.ask("SET", "n:odd", "x")
	for words, says := range map[string]string{
		"SET n: conter":            "no resolver is called",
		"SET n: counter,acks=0":    "acks",
		"SET n: counter,pick":      "is no option",
		"UNSET n:":                 "no rule is for the prefix",
		"SET n: hlc SET n: lww":    "given twice",
		"DEFAULT nobody":           "no resolver is called",
		"WITHOUT n2":               "nothing is to be changed",
		"SET n: counter,doomed=no": "doomed",
	} {
		args := []any{"KVD.POLICYSET"}
		for _, w := range strings.Fields(words) {
			args = append(args, w)
		}
		n1.refused("ERR", says, args...)
	}
	settle(t, nodes(all))
	n1.refused("REFUSED", `hold values that are no integers, which a counter cannot show: "n:odd"`, "KVD.POLICYSET", "SET", "n:", "counter")
	if out := n1.tell("KVD.POLICYSET", "DEFAULT", "hlc", "DRYRUN"); out["changed"] != int64(0) || out["number"] != int64(1) {
		t.Errorf("tried, it answers %v", out)
	}
	if out := n1.tell("KVD.POLICYSET", "DEFAULT", "lww"); out["changed"] != int64(0) || out["number"] != int64(0) {
		t.Errorf("told what it has, it answers %v", out)
	}
	for _, n := range []*node{n1, n2} {
		n.ask("SET", "w", "1")
		if n.Policy() != "*=lww" || n.policies.Version().Number != 0 {
			t.Errorf("%s serves under %s", n.Name(), n.Policy())
		}
	}
}

// TestWritesAreHeldBackAsLongAsTheChangeIsThere: whoever wants it is there as long as its connection.
func TestWritesAreHeldBackAsLongAsTheChangeIsThere(t *testing.T) {
	all := renewables(t, 2, everybody(resolve.LWW))
	n1, n2 := all[0].now(), all[1].now()
	conn, err := n1.mesh.DialPolicy(t.Context(), "n2")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, `{"do":"hold"}`); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(conn).ReadString('\n'); err != nil || strings.Contains(said, "why") {
		t.Fatalf("%q, %v", said, err)
	}
	if err := n2.client.Set(t.Context(), "k", "v", 0).Err(); err == nil || !strings.Contains(err.Error(), "the policy is being changed, as n1 wants it") {
		t.Errorf("a write is answered %v", err)
	}
	n1.refused("REFUSED", "another change is under way, which n1 wants", "KVD.POLICYSET", "DEFAULT", "hlc")
	conn.Close()
	replicatest.Eventually(t, "n2 takes writes again", func() bool { return n2.client.Set(t.Context(), "k", "v", 0).Err() == nil })
}

// TestALeaderThatWasAwayGoesOver: it is named; when it returns with its old settings it goes over,
// unless its own keys speak against it: then it says so, and goes over once they do not.
func TestALeaderThatWasAwayGoesOver(t *testing.T) {
	all := renewables(t, 3, everybody(resolve.LWW))
	all[2].ask("SET", "n:odd", "1")
	settle(t, nodes(all))
	for _, name := range []string{"n1", "n2"} {
		all[2].ask("KVD.FAULT", "LINK", name, "cut=on")
	}
	all[2].ask("SET", "n:odd", "x")
	all[0].refused("UNREACHED", "n3 cannot be asked", "KVD.POLICYSET", "SET", "n:", "counter")
	const after = `*=lww "n:"=counter`
	all[2].again(func(*Config) {
		out := all[0].tell("KVD.POLICYSET", "SET", "n:", "counter", "WITHOUT", "n3")
		if away := out["away"].([]any); len(away) != 1 || !strings.HasPrefix(away[0].(string), "n3 (") {
			t.Errorf("away are %v", away)
		}
		under(t, all[:2], after)
	})
	replicatest.Eventually(t, "n3 says what keeps it from going over", func() bool {
		return strings.Contains(all[2].now().policies.Behind(), `"n:odd"`)
	})
	if s := (source{all[2].now().Leader}).Status(); s.PolicyBehind == "" || s.PolicyNumber != 0 {
		t.Errorf("its status says it is under number %d and behind %q", s.PolicyNumber, s.PolicyBehind)
	}
	all[2].now().ask("DEL", "n:odd")
	all[2].now().ask("SET", "n:odd", "7")
	under(t, all, after)
	same(t, nodes(all))
	for _, r := range all {
		if got := r.now().ask("GET", "n:odd"); got != "7" {
			t.Errorf("%s shows %v", r.now().Name(), got)
		}
	}
}
