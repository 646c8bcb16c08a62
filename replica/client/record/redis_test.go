package record

import (
	"context"
	"fmt"
	"iter"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kvd/replica/client/conn"
	"kvd/resolve/blackbox"
)

// ops is a recording as a history.
type ops []*blackbox.Op

func (o ops) All() iter.Seq[*blackbox.Op] { return slices.Values(o) }
func (o ops) Err() error                  { return nil }

// TestTwoRedisLoseWhatACutReplicaAcknowledged: the replica is cut off and made a master,
// both are written to, and it becomes a replica again. What it had acknowledged is gone,
// and the judge counts exactly what is missing from the sums.
func TestTwoRedisLoseWhatACutReplicaAcknowledged(t *testing.T) {
	a, b := startRedis(t), startRedis(t)
	host, port, err := net.SplitHostPort(a.addr)
	if err != nil {
		t.Fatal(err)
	}
	b.must(t, "REPLICAOF", host, port)
	b.until(t, "master_link_status:up")

	ctx, stop := context.WithCancel(t.Context())
	var all ops
	var mu sync.Mutex
	acked := map[string]int{} // updates of one kind at one node
	ended := make(chan error, 1)
	var sum Summary
	go func() {
		var err error
		sum, err = Run(ctx, Config{
			Servers: []Server{{Addr: a.addr}, {Addr: b.addr}}, Workloads: []Workload{Counter, Set, Register}, Clients: 2, Keys: 2, Timeout: 5 * time.Second, Settle: 30 * time.Second,
			Prefix: "t:", Seed: 1, Put: func(o *blackbox.Op) error {
				all = append(all, o)
				if o.Verb != blackbox.Get && o.Outcome == blackbox.Acked {
					mu.Lock()
					defer mu.Unlock()
					acked[o.Node+" "+strings.Split(o.Key, ":")[1]]++
				}
				return nil
			},
		})
		ended <- err
	}()
	// passed waits until so many updates of each kind were acknowledged at each of the nodes.
	passed := func(n int, nodes ...*redis) {
		from := map[string]int{}
		few := func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, node := range nodes {
				for _, w := range []Workload{Counter, Set, Register} {
					what := node.addr + " " + string(w)
					if _, begun := from[what]; !begun {
						from[what] = acked[what]
					}
					if acked[what] < from[what]+n {
						return true
					}
				}
			}
			return false
		}
		for few() {
			a.must(t, "PING")
		}
	}
	passed(5, a)
	b.must(t, "REPLICAOF", "NO", "ONE")
	passed(10, a, b)
	b.must(t, "REPLICAOF", host, port)
	b.until(t, "master_link_status:up")
	passed(5, a)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !sum.Agreed || len(sum.Missing) > 0 || sum.Updates != sum.Acked+sum.Failed+sum.Indeterminate {
		t.Errorf("%+v", sum)
	}
	r, err := blackbox.Judge(blackbox.Config{Losses: 5}, all)
	if err != nil {
		t.Fatal(err)
	}
	present := int64(0)
	for k := range 2 {
		n, _ := strconv.ParseInt(a.must(t, "GET", fmt.Sprintf("t:counter:%d", k)).Text, 10, 64)
		present += n
	}
	for i := range r.Kinds {
		k := &r.Kinds[i]
		if k.Lost == 0 {
			t.Errorf("no %s lost anything: %+v", k.Kind, k)
		}
		if k.Kind == blackbox.CounterKey && int64(k.Lost) != int64(k.Acked)-present {
			t.Errorf("%d acknowledged, %d present, and %d are said to be lost", k.Acked, present, k.Lost)
		}
	}
	if len(r.Kinds) != 3 || r.NotJudged > 0 || r.Impossible > 0 {
		t.Errorf("%+v", r)
	}
}

// redis is a real server.
type redis struct {
	addr string
	conn *conn.Conn
}

func startRedis(t *testing.T) *redis {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server in the path")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(), "--repl-diskless-sync-delay", "0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for {
		c, err := conn.Dial(addr, time.Second)
		if err == nil {
			t.Cleanup(func() { c.Close() })
			return &redis{addr, c}
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func (r *redis) must(t *testing.T, words ...string) conn.Reply {
	t.Helper()
	reply, err := r.conn.Do(10*time.Second, words...)
	if err != nil {
		t.Fatal(words, err)
	}
	return reply
}

// until waits until the server says something of its replication.
func (r *redis) until(t *testing.T, what string) {
	t.Helper()
	for !strings.Contains(r.must(t, "INFO", "replication").Text, what+"\r\n") {
		if t.Context().Err() != nil {
			t.Fatal("never ", what)
		}
	}
}
