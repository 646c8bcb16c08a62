package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"kvd/replica/node"
)

// The collector is told what the flags say, and not what the environment says
// otherwise.
func TestMemoryIsLimitedByTheFlags(t *testing.T) {
	t.Parallel()
	var cfg node.Config
	if err := cfg.SetMemory(300<<20, node.MemoryAsked{Objects: 32 << 20, Clients: 100 << 20}); err != nil {
		t.Fatal(err)
	}
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--memory", strconv.Itoa(300<<20), "--cache-bytes", strconv.Itoa(32<<20), "--client-memory", strconv.Itoa(100<<20))
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+n.http+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	for metric, want := range map[string]int64{
		"go_gc_gomemlimit_bytes": heapOf(&cfg), "kvd_memory_limit_bytes": cfg.Memory.Total(), "kvd_client_memory_limit_bytes": 100 << 20,
	} {
		m := regexp.MustCompile(`(?m)^` + metric + ` (\S+)$`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("the metrics do not tell %s", metric)
		}
		if got, err := strconv.ParseFloat(string(m[1]), 64); err != nil || int64(got) != want {
			t.Errorf("%s is %s, %v; expected %d", metric, m[1], err, want)
		}
	}
}
