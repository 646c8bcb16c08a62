package compat

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clientsVar names a folder that holds other people's clients.
const clientsVar = "KVD_CLIENTS"

// tour is a script that a client of another language does, for each protocol that
// it can speak.
type tour struct {
	name   string
	needs  string // below KVD_CLIENTS
	run    func(clients string) []string
	env    func(clients string) []string
	speaks []string
}

func tours() []tour {
	script := func(name string) string { return filepath.Join("testdata", "tours", name) }
	modules := func(clients string) []string {
		return []string{"NODE_PATH=" + filepath.Join(clients, "node", "node_modules")}
	}
	return []tour{
		{"redis-py", "python/bin/python", func(c string) []string {
			return []string{filepath.Join(c, "python", "bin", "python"), script("redis-py.py")}
		}, nil, []string{"2", "3"}},
		{"ioredis", "node/node_modules/ioredis", func(string) []string { return []string{"node", script("ioredis.js")} }, modules, []string{"2"}},
		{"node-redis", "node/node_modules/redis", func(string) []string { return []string{"node", script("node-redis.js")} }, modules, []string{"2", "3"}},
		{"jedis", "java", func(c string) []string {
			return []string{"java", "-cp", filepath.Join(c, "java", "*"), script("Jedis.java")}
		}, nil, []string{"2", "3"}},
	}
}

// Clients of other languages do at a leader what their quick tours do at Redis.
func TestClientsOfOtherLanguages(t *testing.T) {
	clients := os.Getenv(clientsVar)
	if clients == "" {
		t.Skip("needs other people's clients in a folder that KVD_CLIENTS names; see replica/resp/COMPATIBILITY.md")
	}
	for _, tr := range tours() {
		for _, proto := range tr.speaks {
			t.Run(tr.name+"/resp"+proto, func(t *testing.T) {
				if _, err := os.Stat(filepath.Join(clients, tr.needs)); err != nil {
					t.Skip("needs the client: ", err)
				}
				host, port, err := net.SplitHostPort(startLeader(t).Addrs().RESP)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				args := append(tr.run(clients), host, port, proto)
				cmd := exec.CommandContext(ctx, args[0], args[1:]...)
				if cmd.Env = os.Environ(); tr.env != nil {
					cmd.Env = append(cmd.Env, tr.env(clients)...)
				}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %v\n%s", args, err, out)
				}
			})
		}
	}
}

// benchmarks is the rows of redis-benchmark that ask for nothing but strings.
const benchmarks = "ping_inline,ping_mbulk,set,get,incr,mset"

// redis-benchmark measures a leader, with and without a pipeline.
func TestRedisBenchmark(t *testing.T) {
	path, err := exec.LookPath("redis-benchmark")
	if err != nil {
		t.Skip("needs redis-benchmark in PATH: ", err)
	}
	host, port, err := net.SplitHostPort(startLeader(t).Addrs().RESP)
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range [][]string{{"-P", "1"}, {"-P", "16"}, {"-3", "-P", "16"}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		args := append([]string{"-h", host, "-p", port, "-t", benchmarks, "-n", "500", "-c", "5", "-r", "100", "--csv"}, how...)
		out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
		if rows := strings.Count(string(out), "\n"); err != nil || rows != 1+len(strings.Split(benchmarks, ",")) || strings.Contains(string(out), "ERR") || strings.Contains(string(out), "Could not") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}
