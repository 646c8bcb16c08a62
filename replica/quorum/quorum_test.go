package quorum_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"kvd/replica/lease"
	"kvd/replica/quorum"
	"kvd/replica/replicatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is members that dial each other in memory, unless they are cut off.
type cluster struct {
	t   *testing.T
	mu  sync.Mutex
	of  map[string]*quorum.Service
	fs  map[string]vfs.FS
	cut map[string]bool
	all []net.Conn
}

func newCluster(t *testing.T, names ...string) *cluster {
	c := &cluster{t: t, of: map[string]*quorum.Service{}, fs: map[string]vfs.FS{}, cut: map[string]bool{}}
	for _, name := range names {
		c.fs[name] = vfs.NewMem()
		c.start(name, nil)
	}
	t.Cleanup(func() {
		for _, name := range names {
			c.stop(name)
		}
	})
	return c
}

func (c *cluster) names() (all []string) {
	for i := 1; i <= len(c.fs); i++ {
		all = append(all, fmt.Sprint("n", i))
	}
	return all
}

func (c *cluster) start(name string, whole error) {
	c.t.Helper()
	s, err := quorum.Open(quorum.Config{
		Name: name, Dir: "quorum", FS: c.fs[name], Local: true, Logger: slog.New(slog.DiscardHandler), Whole: whole, Members: c.names,
		Dial: func(ctx context.Context, to string) (net.Conn, error) { return c.dial(ctx, name, to) },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.of[name] = s
	c.mu.Unlock()
}

func (c *cluster) stop(name string) {
	c.mu.Lock()
	s := c.of[name]
	delete(c.of, name)
	c.mu.Unlock()
	if s != nil {
		if err := s.Close(); err != nil {
			c.t.Error(err)
		}
	}
}

func (c *cluster) dial(ctx context.Context, from, to string) (net.Conn, error) {
	c.mu.Lock()
	s := c.of[to]
	cut := c.cut[from] || c.cut[to]
	c.mu.Unlock()
	if s == nil || cut {
		return nil, fmt.Errorf("%s is out of reach", to)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		a, err := ln.Accept()
		if err == nil {
			s.Serve(a)
		}
		accepted <- a
	}()
	d, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
	if err != nil {
		return nil, err
	}
	a := <-accepted
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut[from] || c.cut[to] { // since it was looked at
		_ = d.Close()
		if a != nil {
			_ = a.Close()
		}
		return nil, fmt.Errorf("%s is out of reach", to)
	}
	c.all = append(c.all, a, d)
	return d, nil
}

// isolate cuts a member off, with every connection that there is.
func (c *cluster) isolate(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.cut)
	for _, name := range names {
		c.cut[name] = true
	}
	for _, conn := range c.all {
		if conn != nil {
			_ = conn.Close()
		}
	}
	c.all = nil
}

func (c *cluster) at(name string) *quorum.Service {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[name]
}

func (c *cluster) do(at string, cmd quorum.Command) (quorum.Answer, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second+cmd.Wait)
	defer cancel()
	return c.at(at).Do(ctx, cmd)
}

func (c *cluster) must(at string, cmd quorum.Command) quorum.Answer {
	c.t.Helper()
	a, err := c.do(at, cmd)
	if err != nil {
		c.t.Fatalf("%+v at %s: %v", cmd, at, err)
	}
	return a
}

func (c *cluster) set(at string, anew bool, names ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	if _, err := c.at(at).Set(ctx, names, anew); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) leader() (led string) {
	c.t.Helper()
	replicatest.Eventually(c.t, "somebody leads", func() bool {
		i := slices.IndexFunc(c.names(), func(name string) bool { s := c.at(name); return s != nil && s.Status().Leads })
		if i >= 0 {
			led = c.names()[i]
		}
		return i >= 0
	})
	return led
}

func lock(name, id string, ttl time.Duration) quorum.Command {
	return quorum.Command{Verb: quorum.Lock, Name: lease.Name(name), ID: id, TTL: ttl}
}

func TestAClusterThatNeverLocksHasNoQuorum(t *testing.T) {
	c := newCluster(t, "n1", "n2", "n3")
	if _, err := c.do("n1", lock("a", "x", time.Minute)); !errors.Is(err, quorum.ErrNone) {
		t.Errorf("a lock without a quorum: %v", err)
	}
	for name, fs := range c.fs {
		if _, err := fs.Stat("quorum"); err == nil {
			t.Errorf("%s has files", name)
		}
	}
}

func TestALockIsOneHoldersAtEveryLeader(t *testing.T) {
	c := newCluster(t, "n1", "n2", "n3", "n4")
	c.set("n4", false, "n1", "n2", "n3")
	first := c.must("n4", lock("a", "x", time.Minute))
	again := c.must("n2", lock("a", "x", time.Minute))
	other := c.must("n3", lock("a", "y", time.Minute))
	if first.Code != lease.Done || again.Lock.Token != first.Lock.Token || other.Code != lease.Held || other.Lock.ID != "x" {
		t.Fatalf("%+v, the same again %+v, another %+v", first, again, other)
	}
	got := make(chan quorum.Answer)
	go func() {
		cmd := lock("a", "y", time.Minute)
		cmd.Wait = 10 * time.Second
		a, err := c.do("n1", cmd)
		if err != nil {
			t.Error(err)
		}
		got <- a
	}()
	if a := c.must("n4", quorum.Command{Verb: quorum.Unlock, Name: "a", Token: first.Lock.Token}); a.Code != lease.Done {
		t.Errorf("unlock: %+v", a)
	}
	next := <-got
	if next.Code != lease.Done || !first.Lock.Token.Less(next.Lock.Token) {
		t.Errorf("who waited got %+v after %s", next, first.Lock.Token)
	}
	if a := c.must("n3", quorum.Command{Verb: quorum.Renew, Name: "a", Token: first.Lock.Token, TTL: time.Minute}); a.Code != lease.NotIt {
		t.Errorf("a token that is over is renewed: %+v", a)
	}
	if a := c.must("n1", quorum.Command{Verb: quorum.List}); len(a.Locks) != 1 || a.Locks[0].Left <= 0 {
		t.Errorf("listed: %+v", a)
	}
}

func TestALeaseThatIsNotRenewedEnds(t *testing.T) {
	c := newCluster(t, "n1", "n2", "n3")
	c.set("n1", false, "n1", "n2", "n3")
	first := c.must("n1", lock("a", "x", lease.MinTTL))
	cmd := lock("a", "y", time.Minute)
	cmd.Wait = 10 * time.Second
	if next := c.must("n2", cmd); next.Code != lease.Done || !first.Lock.Token.Less(next.Lock.Token) {
		t.Errorf("%+v after %+v", next, first)
	}
}

func TestWithoutAMajorityNobodyIsAnswered(t *testing.T) {
	c := newCluster(t, "n1", "n2", "n3")
	c.set("n1", false, "n1", "n2", "n3")
	first := c.must("n1", lock("a", "x", time.Minute))
	led := c.leader()
	c.isolate(led)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for _, cmd := range []quorum.Command{lock("a", "y", time.Minute), {Verb: quorum.Get, Name: "a"}} {
		if a, err := c.at(led).Do(ctx, cmd); !errors.Is(err, quorum.ErrNoQuorum) {
			t.Errorf("cut off: %+v, %v", a, err)
		}
	}
	for _, name := range c.names() {
		if name == led {
			continue
		}
		if a := c.must(name, lock("b", "x", time.Minute)); a.Code != lease.Done || !first.Lock.Token.Less(a.Lock.Token) {
			t.Errorf("the majority at %s: %+v", name, a)
		}
		if a := c.must(name, lock("a", "y", time.Minute)); a.Code != lease.Held {
			t.Errorf("held before the cut, at %s: %+v", name, a)
		}
	}
	c.isolate()
	if a := c.must(led, quorum.Command{Verb: quorum.Get, Name: "b"}); a.Code != lease.Done {
		t.Errorf("after the cut: %+v", a)
	}
}

func TestTokensRiseOverCrashesAndHandovers(t *testing.T) {
	n := 1000
	if text := os.Getenv("KVD_HANDOVERS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	c := newCluster(t, "n1", "n2", "n3")
	c.set("n1", false, "n1", "n2", "n3")
	var last lease.Token
	for i := range n {
		at := c.names()[i%3]
		a := c.must(at, lock("a", fmt.Sprint(i), time.Minute))
		if a.Code != lease.Done || !last.Less(a.Lock.Token) {
			t.Fatalf("handover %d at %s: %+v after %s", i, at, a, last)
		}
		last = a.Lock.Token
		c.must(at, quorum.Command{Verb: quorum.Unlock, Name: "a", Token: last})
		if i%(n/4) == n/8 {
			led := c.leader()
			c.stop(led)
			c.start(led, nil)
		}
	}
}

func TestWhoLostItsDataIsNobodyUntilItIsNamedAgain(t *testing.T) {
	c := newCluster(t, "n1", "n2", "n3")
	c.set("n1", false, "n1", "n2", "n3")
	c.must("n1", lock("a", "x", time.Minute))
	c.stop("n2")
	c.fs["n2"] = vfs.NewMem()
	c.start("n2", nil)
	c.stop("n3")
	c.start("n3", errors.New("an old backup"))
	if c.at("n2").Status().Votes || c.at("n3").Status().Votes {
		t.Fatal("an empty directory or an old backup votes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := c.at("n2").Do(ctx, lock("a", "y", time.Minute)); !errors.Is(err, quorum.ErrNoQuorum) {
		t.Errorf("two of three lost their data: %v", err)
	}
	c.set("n1", true, "n1", "n2", "n3")
	if a := c.must("n2", lock("a", "y", time.Minute)); a.Code != lease.Done || a.Lock.Token.Epoch != 2 {
		t.Errorf("made anew: %+v", a)
	}
	c.stop("n2")
	c.fs["n2"] = vfs.NewMem()
	c.start("n2", nil)
	c.set("n3", false, "n1", "n2", "n3")
	for !c.at("n2").Status().Votes && t.Context().Err() == nil {
		c.must("n2", quorum.Command{Verb: quorum.List})
	}
	if a := c.must("n2", lock("a", "z", time.Minute)); a.Code != lease.Held {
		t.Errorf("one of three was named again: %+v", a)
	}
	if voters := c.at("n1").Status().Voters; len(voters) != 3 {
		t.Errorf("%v vote", voters)
	}
}

func TestNoTwoQuorumsOfOneCluster(t *testing.T) {
	c := newCluster(t, "n1", "n2", "n3", "n4")
	c.isolate("n3", "n4")
	for _, half := range [][]string{{"n1", "n2"}, {"n3", "n4"}} {
		if _, err := c.at(half[0]).Set(t.Context(), half, false); err == nil {
			t.Fatalf("half a cluster made a quorum of %v", half)
		}
	}
	c.isolate()
	var both sync.WaitGroup
	for _, names := range [][]string{{"n1", "n2", "n3"}, {"n2", "n3", "n4"}} {
		both.Go(func() { _, _ = c.at(names[0]).Set(t.Context(), names, false) })
	}
	both.Wait()
	c.set("n1", false, "n1", "n2", "n3")
	token := c.must("n4", lock("a", "x", time.Minute)).Lock.Token
	for _, name := range c.names() {
		if a := c.must(name, lock("a", "x", time.Minute)); a.Lock.Token != token {
			t.Errorf("%s knows %s, n4 %s", name, a.Lock.Token, token)
		}
	}
}
