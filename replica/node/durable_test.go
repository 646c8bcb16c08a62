package node

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/storage"
)

// WAIT counts leaders that have a write durably, as their --sync promises it: under
// interval one that has not synced it yet does not count, however long it has it.
func TestWaitCountsWhatIsSynced(t *testing.T) {
	for _, c := range []struct {
		sync     storage.Sync
		interval time.Duration
		fsync    string
		want     int64
	}{
		{storage.SyncAlways, 0, "always", 1},
		{storage.SyncInterval, time.Hour, "everysec", 0},
		{storage.SyncInterval, 5 * time.Millisecond, "everysec", 1},
		{storage.SyncNever, 0, "no", 1}, // in the hands of the operating system, or WAIT would never end
	} {
		all := cluster(t, 2, everybody(resolve.LWW), func(i int, cfg *Config) { cfg.Storage.Sync, cfg.Storage.Interval = c.sync, c.interval })
		n1, n2 := all[0], all[1]
		n1.set("x", "1")
		settle(t, all)
		limit := strconv.FormatInt(replicatest.Timeout.Milliseconds(), 10)
		if c.want == 0 {
			limit = "500" // several heartbeats
		}
		conn := n1.client.Conn()
		if err := conn.Set(t.Context(), "y", "2", 0).Err(); err != nil {
			t.Fatal(err)
		}
		got, err := conn.Do(t.Context(), "WAIT", 1, limit).Result()
		if err != nil || got != c.want {
			t.Errorf("%s %s: WAIT answers %v, %v; want %d", c.sync, c.interval, got, err, c.want)
		}
		conn.Close()
		if got := n2.ask("CONFIG", "GET", "appendfsync"); got.(map[any]any)["appendfsync"] != c.fsync {
			t.Errorf("%s: CONFIG GET appendfsync answers %v", c.sync, got)
		}
		unsynced := "unsynced_ops:0\r\n"
		if c.want == 0 {
			unsynced = "unsynced_ops:2\r\n"
		}
		replicatest.Eventually(t, "INFO says "+unsynced, func() bool {
			info := n2.ask("INFO", "kvd").(string)
			return strings.Contains(info, "sync:"+c.sync.String()+"\r\n") && strings.Contains(info, unsynced)
		})
	}
}

// What CONFIG and INFO say is so.
func TestConfigAndInfoTellWhatIsSo(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	host, port, err := net.SplitHostPort(n.Addrs().RESP)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"port": port, "bind": host, "tls-port": "0", "appendfsync": "always"} {
		if got := n.ask("CONFIG", "GET", name).(map[any]any)[name]; got != want {
			t.Errorf("CONFIG GET %s answers %v, want %s", name, got, want)
		}
	}
	if info := n.ask("INFO", "server").(string); !strings.Contains(info, "tcp_port:"+port+"\r\n") {
		t.Errorf("INFO says %s", info)
	}
	keyspace := func(keys, expires int) {
		t.Helper()
		want := "db0:keys=" + strconv.Itoa(keys) + ",expires=" + strconv.Itoa(expires) + ","
		replicatest.Eventually(t, "INFO says "+want, func() bool { return strings.Contains(n.ask("INFO", "keyspace").(string), want) })
	}
	n.ask("KVD.FAULT", "CLOCK", "step=24h")
	told, err := strconv.ParseInt(n.ask("TIME").([]any)[0].(string), 10, 64)
	if ahead := time.Until(time.Unix(told, 0)); err != nil || ahead < 23*time.Hour {
		t.Errorf("TIME shows %s ahead of this machine, and the leader's clock is a day ahead; %v", ahead, err)
	}
	n.ask("SET", "a", "1")
	n.ask("SET", "b", "1", "EX", "100")
	keyspace(2, 1)
	n.ask("EXPIRE", "a", "100")
	n.ask("SET", "c", "1")
	keyspace(3, 2)
	n.ask("PERSIST", "b")
	keyspace(3, 1)
	n.ask("DEL", "a")
	keyspace(2, 0)
}
