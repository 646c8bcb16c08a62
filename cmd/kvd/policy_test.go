package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kvd/replica/replicatest"

	"github.com/redis/go-redis/v9"
)

// under starts the leader again under another policy.
func (n *served) under(dir string, more ...string) *served {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	if code := n.end(); code != 0 {
		n.t.Fatalf("exit code %d: %s", code, n.text())
	}
	return serves(n.t, n.name, dir, free(n.t), more...)
}

// Another resolver, at a start, shows the same keys; the audit adds up, and going
// back shows what was written meanwhile.
func TestAnotherResolverShowsWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"lww", "causal"}, {"causal", "lww"}, {"siblings", "counter"}, {"counter", "interval"}} {
		t.Run(pair[0]+" to "+pair[1], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := serves(t, "n1", dir, free(t), "--resolver", pair[0])
			n.try("SET", "x", "5")
			n.try("SET", "gone", "1")
			n.try("DEL", "gone")
			n = n.under(dir, "--resolver", pair[1])
			n.keeps("5")
			if got := n.try("INCR", "x"); got != int64(6) {
				t.Errorf("INCR answers %v", got)
			}
			n = n.under(dir, "--resolver", pair[0], "--shadow", "all")
			n.keeps("6")
		})
	}
}

// keeps fails unless x is the only key, and the audit adds up.
func (n *served) keeps(x string) {
	n.t.Helper()
	n.shows("x", x)
	if got := n.try("SCAN", "0").([]any)[1].([]any); !slices.Equal(got, []any{"x"}) {
		n.t.Errorf("SCAN answers %v", got)
	}
	if got := n.try("DBSIZE"); got != int64(1) {
		n.t.Errorf("DBSIZE answers %v", got)
	}
	if got := fmt.Sprint(n.try("KVD.AUDIT")); !strings.Contains(got, "adds up") || strings.Contains(got, "does not add up") {
		n.t.Errorf("the audit says %s", got)
	}
	if got := fmt.Sprint(n.try("KVD.WHY", "x")); strings.Contains(got, "never") {
		n.t.Errorf("why says %s", got)
	}
}

// A prefix that becomes a counter goes on from the numbers that are there. Where
// there is anything else the leader refuses to start, and nothing is changed.
func TestAPrefixBecomesACounter(t *testing.T) {
	t.Parallel()
	dir, counted := t.TempDir(), []string{"--policy", "views:=counter"}
	n := serves(t, "n1", dir, free(t))
	n.try("SET", "views:1", "5")
	n.try("SET", "views:2", "many")
	n.signal(syscall.SIGTERM)
	n.end()
	refused := launch(t, append([]string{"serve", "--node", "n1", "--data-dir", dir, "--gossip-addr", free(t),
		"--resp-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0"}, counted...)...)
	if code := refused.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	refused.says(`no integers.*"?views:2`)
	n = serves(t, "n1", dir, free(t))
	n.shows("views:2", "many")
	n.try("SET", "views:2", "7")
	n = n.under(dir, counted...)
	for key, want := range map[string]int64{"views:1": 6, "views:2": 8} {
		if got := n.try("INCR", key); got != want {
			t.Errorf("INCR of %s answers %v, want %d", key, got, want)
		}
	}
	n.signal(syscall.SIGTERM)
	n.end()
	if code, _, text := replaying(t, dir); code != 0 || !strings.Contains(text, `"views:"=counter`) {
		t.Errorf("a replay does not believe the store: %d, %s", code, text)
	}
}

// A leader that is killed while it folds its objects again serves nothing half
// done, and comes to the same at the next start, whatever the policy is then.
func TestKilledWhileFoldingAgain(t *testing.T) {
	t.Parallel()
	const keys = 20_000
	dir := t.TempDir()
	n := serves(t, "n1", dir, free(t), "--resolver", "lww", "--sync", "never")
	p := n.Pipeline()
	for i := range keys {
		p.Set(context.Background(), fmt.Sprintf("k%05d", i), i, 0)
	}
	if _, err := p.Exec(context.Background()); err != nil {
		t.Fatal(err)
	}
	n.signal(syscall.SIGTERM)
	n.end()
	for range 2 {
		half := launch(t, "serve", "--node", "n1", "--data-dir", dir, "--gossip-addr", free(t), "--sync", "never",
			"--resp-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--peer-addr", "127.0.0.1:0", "--resolver", "causal")
		at := half.says(`msg="folds its objects again from the log.* resp=(\S+) http=(\S+)`)
		c := redis.NewClient(&redis.Options{Addr: at[0], MaxRetries: -1, DisableIdentity: true, ReadTimeout: replicatest.Timeout})
		if err := c.Get(context.Background(), "k00001").Err(); err != nil && strings.HasPrefix(err.Error(), "LOADING ") {
			if res, err := http.Get("http://" + at[1] + "/health/ready"); err == nil {
				if res.Body.Close(); res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusOK {
					t.Errorf("ready answers %d", res.StatusCode)
				}
			}
		}
		half.signal(syscall.SIGKILL)
		half.end()
		c.Close()
	}
	for _, resolver := range []string{"siblings", "causal", "lww"} {
		n = serves(t, "n1", dir, free(t), "--resolver", resolver, "--sync", "never")
		if got := n.try("DBSIZE"); got != int64(keys) {
			t.Errorf("%s: DBSIZE answers %v", resolver, got)
		}
		n.shows("k00017", "17")
		n.signal(syscall.SIGTERM)
		n.end()
	}
}
