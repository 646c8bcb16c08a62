package command_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kvd/replica/resp/resptest"

	"github.com/redis/go-redis/v9"
)

func TestGoRedisStrings(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, _ *resptest.Rig, c *redis.Client) {
		ctx := t.Context()
		resptest.Expect(t, "ping", "PONG")(c.Ping(ctx).Result())
		resptest.Expect(t, "set", "OK")(c.Set(ctx, "a", "1", 0).Result())
		resptest.Expect(t, "get", "1")(c.Get(ctx, "a").Result())
		if _, err := c.Get(ctx, "none").Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("get none: %v", err)
		}
		resptest.Expect(t, "setnx", false)(c.SetNX(ctx, "a", "2", 0).Result())
		resptest.Expect(t, "setnx ttl", true)(c.SetNX(ctx, "lock", "me", time.Minute).Result())
		resptest.Expect(t, "getset", "1")(c.SetArgs(ctx, "a", "3", redis.SetArgs{Get: true}).Result())
		resptest.Expect(t, "incr", int64(4))(c.Incr(ctx, "a").Result())
		resptest.Expect(t, "incrby", int64(14))(c.IncrBy(ctx, "a", 10).Result())
		resptest.Expect(t, "decrby", int64(4))(c.DecrBy(ctx, "a", 10).Result())
		resptest.Expect(t, "append", int64(5))(c.Append(ctx, "log", "hello").Result())
		resptest.Expect(t, "strlen", int64(5))(c.StrLen(ctx, "log").Result())
		resptest.Expect(t, "getdel", "hello")(c.GetDel(ctx, "log").Result())
		resptest.Expect(t, "mset", "OK")(c.MSet(ctx, "x", "1", "y", "2").Result())
		vals, err := c.MGet(ctx, "x", "none", "y").Result()
		if want := []any{"1", nil, "2"}; err != nil || !slices.Equal(vals, want) {
			t.Errorf("mget: %v, %v", vals, err)
		}
		bin := "\x00\r\n\xff"
		resptest.Expect(t, "set binary", "OK")(c.Set(ctx, "bin", bin, 0).Result())
		resptest.Expect(t, "get binary", bin)(c.Get(ctx, "bin").Result())
		if err := c.Set(ctx, "word", "x", 0).Err(); err != nil {
			t.Error(err)
		}
		if err := c.Incr(ctx, "word").Err(); err == nil || err.Error() != "ERR value is not an integer or out of range" {
			t.Errorf("incr word: %v", err)
		}
	})
}

func TestGoRedisExpiryAndKeys(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, _ *resptest.Rig, c *redis.Client) {
		ctx := t.Context()
		resptest.Expect(t, "set", "OK")(c.Set(ctx, "a", "1", 90*time.Second).Result())
		resptest.Expect(t, "ttl", 90*time.Second)(c.TTL(ctx, "a").Result())
		resptest.Expect(t, "keepttl", "OK")(c.Set(ctx, "a", "2", redis.KeepTTL).Result())
		if d, err := c.PTTL(ctx, "a").Result(); err != nil || d <= 80*time.Second || d > 90*time.Second {
			t.Errorf("pttl: %s, %v", d, err)
		}
		resptest.Expect(t, "persist", true)(c.Persist(ctx, "a").Result())
		resptest.Expect(t, "ttl", time.Duration(-1))(c.TTL(ctx, "a").Result())
		resptest.Expect(t, "ttl none", time.Duration(-2))(c.TTL(ctx, "none").Result())
		resptest.Expect(t, "expire", true)(c.Expire(ctx, "a", time.Hour).Result())
		resptest.Expect(t, "expire lt", false)(c.ExpireLT(ctx, "a", 2*time.Hour).Result())
		at := time.Now().Add(time.Hour).Truncate(time.Second)
		resptest.Expect(t, "expireat", true)(c.ExpireAt(ctx, "a", at).Result())
		resptest.Expect(t, "expiretime", time.Duration(at.Unix())*time.Second)(c.ExpireTime(ctx, "a").Result())
		resptest.Expect(t, "getex", "2")(c.GetEx(ctx, "a", 0).Result())
		resptest.Expect(t, "expire past", true)(c.ExpireAt(ctx, "a", time.Unix(1, 0)).Result())
		resptest.Expect(t, "exists", int64(0))(c.Exists(ctx, "a").Result())
		resptest.Expect(t, "type none", "none")(c.Type(ctx, "a").Result())
		resptest.Expect(t, "mset", "OK")(c.MSet(ctx, "k1", "", "k2", "").Result())
		resptest.Expect(t, "type", "string")(c.Type(ctx, "k1").Result())
		resptest.Expect(t, "del", int64(1))(c.Del(ctx, "k1", "none").Result())
		resptest.Expect(t, "unlink", int64(1))(c.Unlink(ctx, "k2").Result())
		resptest.Expect(t, "dbsize", int64(0))(c.DBSize(ctx).Result())
	})
}

func TestGoRedisScan(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, _ *resptest.Rig, c *redis.Client) {
		ctx := t.Context()
		var want []string
		for i := range 95 {
			key := fmt.Sprintf("user:%03d", i)
			want = append(want, key)
			if err := c.MSet(ctx, key, "x", fmt.Sprintf("item:%03d", i), "x").Err(); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		it := c.Scan(ctx, 0, "user:*", 7).Iterator()
		for it.Next(ctx) {
			got = append(got, it.Val())
		}
		if err := it.Err(); err != nil || !slices.Equal(got, want) {
			t.Errorf("scan found %d keys of %d, %v", len(got), len(want), err)
		}
		if keys, err := c.Keys(ctx, "user:00?").Result(); err != nil || !slices.Equal(keys, want[:10]) {
			t.Errorf("keys: %v, %v", keys, err)
		}
	})
}

func TestGoRedisPipelineAndTransaction(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, r *resptest.Rig, c *redis.Client) {
		ctx := t.Context()
		var last *redis.IntCmd
		if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for range 100 {
				last = p.Incr(ctx, "n")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		resptest.Expect(t, "pipeline", int64(100))(last.Result())
		var get *redis.StringCmd
		if _, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "a", "1", 0)
			p.Incr(ctx, "a")
			get = p.Get(ctx, "a")
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		resptest.Expect(t, "transaction", "2")(get.Result())
		if !slices.Contains(r.Leader.Batches(), 3) {
			t.Errorf("no call of Do had the transaction's 3 requests: %v", r.Leader.Batches())
		}
		took := func(p redis.Pipeliner) error { p.Set(ctx, "a", "taken", 0); return nil }
		if err := c.Watch(ctx, func(tx *redis.Tx) error {
			c.Append(ctx, "a", "!") // by another connection
			_, err := tx.TxPipelined(ctx, took)
			return err
		}, "a"); !errors.Is(err, redis.TxFailedErr) {
			t.Errorf("a watched key was changed, and the transaction came to %v", err)
		}
		if err := c.Watch(ctx, func(tx *redis.Tx) error {
			_, err := tx.TxPipelined(ctx, took)
			return err
		}, "a"); err != nil {
			t.Error(err)
		}
		resptest.Expect(t, "what was watched", "taken")(c.Get(ctx, "a").Result())
	})
}

func TestGoRedisServerCalls(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, _ *resptest.Rig, c *redis.Client) {
		ctx := t.Context()
		resptest.Expect(t, "getname", "test")(c.ClientGetName(ctx).Result())
		cmds, err := c.Command(ctx).Result()
		if err != nil || cmds["get"] == nil || !cmds["get"].ReadOnly || cmds["mset"].StepCount != 2 {
			t.Errorf("command: %d commands, %v", len(cmds), err)
		}
		conf, err := c.ConfigGet(ctx, "max*").Result()
		if err != nil || conf["maxclients"] != "10000" {
			t.Errorf("config get: %v, %v", conf, err)
		}
		info, err := c.InfoMap(ctx, "server", "kvd").Result()
		if err != nil || info["Server"]["redis_version"] == "" || info["kvd"]["origin"] == "" {
			t.Errorf("info: %v, %v", info, err)
		}
		if now, err := c.Time(ctx).Result(); err != nil || time.Since(now).Abs() > time.Minute {
			t.Errorf("time: %s, %v", now, err)
		}
		resptest.Expect(t, "wait", int64(2))(c.Wait(ctx, 1, time.Second).Result())
		me, err := c.ClientInfo(ctx).Result()
		if err != nil || me.User != "ann" || me.LibName == "" {
			t.Errorf("client info: %+v, %v", me, err)
		}
	})
}

func TestGoRedisTokens(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, r *resptest.Rig, c *redis.Client) {
		ctx := t.Context()
		r.Leader.Siblings("cart", "milk", "bread")
		if err := c.Get(ctx, "cart").Err(); err == nil || err.Error() != "CONFLICT 2 siblings; use KVD.GET" {
			t.Errorf("get: %v", err)
		}
		read := pairs(t, c, "KVD.GET", "cart")
		if vals, _ := read["values"].([]any); !slices.Equal(vals, []any{"milk", "bread"}) {
			t.Errorf("values: %v", read)
		}
		wrote := pairs(t, c, "KVD.RESOLVE", "cart", "both", "TOKEN", read["token"])
		if wrote["dot"] == nil || wrote["token"] == read["token"] {
			t.Errorf("wrote: %v", wrote)
		}
		resptest.Expect(t, "get", "both")(c.Get(ctx, "cart").Result())
	})
}

// pairs does a command that answers a map, or in RESP2 a flat array.
func pairs(t *testing.T, c *redis.Client, args ...any) map[string]any {
	t.Helper()
	res, err := c.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	out := map[string]any{}
	switch v := res.(type) {
	case map[any]any:
		for k, val := range v {
			out[k.(string)] = val
		}
	case []any:
		for i := 0; i+1 < len(v); i += 2 {
			out[v[i].(string)] = v[i+1]
		}
	default:
		t.Fatalf("%v: got %T", args, res)
	}
	return out
}

// TestManyClients: increments of many connections all count.
func TestManyClients(t *testing.T) {
	resptest.EachProtocol(t, func(t *testing.T, r *resptest.Rig, c *redis.Client) {
		const clients, each = 8, 50
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range each {
					if err := c.Incr(context.Background(), "n").Err(); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		resptest.Expect(t, "sum", fmt.Sprint(clients*each))(c.Get(t.Context(), "n").Result())
	})
}
