package compat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// go-redis does its quick tour in both protocols.
func TestGoRedis(t *testing.T) {
	addr := startLeader(t).Addrs().RESP
	for _, proto := range []int{2, 3} {
		t.Run(fmt.Sprint("resp", proto), func(t *testing.T) {
			c := redis.NewClient(&redis.Options{Addr: addr, Protocol: proto, ClientName: "tour", ReadTimeout: timeout})
			defer c.Close()
			g := &goTour{t, t.Context(), c, fmt.Sprintf("go%d:", proto)}
			g.strings()
			g.together()
			g.endings()
			g.scan()
			g.lock()
			g.listen()
		})
	}
}

// goTour is a client and the prefix of its keys.
type goTour struct {
	t      *testing.T
	ctx    context.Context
	c      *redis.Client
	prefix string
}

// is compares what a call answered.
func is[V comparable](t *testing.T, what string, want V) func(V, error) {
	return func(got V, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
		}
	}
}

func (g *goTour) strings() {
	t, ctx, c, p := g.t, g.ctx, g.c, g.prefix
	is(t, "ping", "PONG")(c.Ping(ctx).Result())
	is(t, "set", "OK")(c.Set(ctx, p+"a", "1", 0).Result())
	is(t, "setnx", false)(c.SetNX(ctx, p+"a", "2", 0).Result())
	is(t, "incrby", int64(42))(c.IncrBy(ctx, p+"a", 41).Result())
	is(t, "get", "42")(c.Get(ctx, p+"a").Result())
	if err := c.Get(ctx, p+"none").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("get of none: %v", err)
	}
	is(t, "incrbyfloat", 1.5)(c.IncrByFloat(ctx, p+"f", 1.5).Result())
	is(t, "getrange", "4")(c.GetRange(ctx, p+"a", 0, 0).Result())
	is(t, "rename", "OK")(c.Rename(ctx, p+"f", p+"g").Result())
	is(t, "copy", int64(1))(c.Copy(ctx, p+"g", p+"h", 0, false).Result())
	is(t, "setbit", int64(0))(c.SetBit(ctx, p+"bits", 7, 1).Result())
	is(t, "bitcount", int64(1))(c.BitCount(ctx, p+"bits", nil).Result())
}

func (g *goTour) together() {
	t, ctx, c, p := g.t, g.ctx, g.c, g.prefix
	var last *redis.IntCmd
	if _, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for range 100 {
			last = pipe.Incr(ctx, p+"n")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	is(t, "pipeline", int64(100))(last.Result())
	var get *redis.StringCmd
	if _, err := c.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, p+"t", "1", 0)
		pipe.Incr(ctx, p+"t")
		get = pipe.Get(ctx, p+"t")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	is(t, "transaction", "2")(get.Result())
	if err := c.Watch(ctx, func(tx *redis.Tx) error {
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.Set(ctx, p+"t", "3", 0).Err() })
		return err
	}, p+"t"); err != nil {
		t.Errorf("watch: %v", err)
	}
	if err := c.Watch(ctx, func(tx *redis.Tx) error {
		is(t, "set of a watched key", "OK")(c.Set(ctx, p+"t", "4", 0).Result())
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.Set(ctx, p+"t", "5", 0).Err() })
		return err
	}, p+"t"); !errors.Is(err, redis.TxFailedErr) {
		t.Errorf("watch of a key that was changed: %v", err)
	}
	is(t, "what was watched", "4")(c.Get(ctx, p+"t").Result())
}

func (g *goTour) endings() {
	t, ctx, c, p := g.t, g.ctx, g.c, g.prefix
	is(t, "ttl without end", time.Duration(-1))(c.TTL(ctx, p+"a").Result())
	is(t, "expire", true)(c.Expire(ctx, p+"a", time.Hour).Result())
	if d, err := c.PTTL(ctx, p+"a").Result(); err != nil || d <= 50*time.Minute || d > time.Hour {
		t.Errorf("pttl: %s, %v", d, err)
	}
	is(t, "persist", true)(c.Persist(ctx, p+"a").Result())
}

func (g *goTour) scan() {
	t, ctx, c, p := g.t, g.ctx, g.c, g.prefix
	var want, got []string
	for i := range 95 {
		want = append(want, fmt.Sprintf("%sscan:%02d", p, i))
		is(t, "set", "OK")(c.Set(ctx, want[i], i, 0).Result())
	}
	it := c.Scan(ctx, 0, p+"scan:*", 7).Iterator()
	for it.Next(ctx) {
		got = append(got, it.Val())
	}
	if slices.Sort(got); it.Err() != nil || !slices.Equal(got, want) {
		t.Errorf("scan found %d keys of %d, %v", len(got), len(want), it.Err())
	}
}

func (g *goTour) lock() {
	t, ctx, c, p := g.t, g.ctx, g.c, g.prefix
	is(t, "lock", true)(c.SetNX(ctx, p+"lock", "mine", 30*time.Second).Result())
	is(t, "lock that is held", false)(c.SetNX(ctx, p+"lock", "other", 30*time.Second).Result())
	is(t, "another's lock", any(int64(0)))(c.Do(ctx, "DELIFEQ", p+"lock", "other").Result())
	is(t, "my lock", any(int64(1)))(c.Do(ctx, "DELIFEQ", p+"lock", "mine").Result())
	is(t, "lock that was let go", int64(0))(c.Exists(ctx, p+"lock").Result())
}

func (g *goTour) listen() {
	t, ctx, c, p := g.t, g.ctx, g.c, g.prefix
	ears := c.Subscribe(ctx, p+"news")
	defer ears.Close()
	if err := ears.PSubscribe(ctx, p+"n*"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if m, err := ears.ReceiveTimeout(ctx, timeout); err != nil {
			t.Fatalf("subscribe: %v, %v", m, err)
		}
	}
	is(t, "publish", int64(2))(c.Publish(ctx, p+"news", "hello").Result())
	for range 2 {
		m, err := ears.ReceiveTimeout(ctx, timeout)
		if msg, ok := m.(*redis.Message); err != nil || !ok || msg.Channel != p+"news" || msg.Payload != "hello" {
			t.Errorf("message: %v, %v", m, err)
		}
	}
}
