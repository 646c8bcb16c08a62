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
	cfg := node.Defaults()
	cfg.Storage.Cache, cfg.ClientMemory = 32<<20, 100<<20
	n := serves(t, "n1", t.TempDir(), "127.0.0.1:0", "--cache-bytes", strconv.Itoa(32<<20), "--client-memory", strconv.Itoa(100<<20))
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
	m := regexp.MustCompile(`(?m)^go_gc_gomemlimit_bytes (\S+)$`).FindSubmatch(text)
	if m == nil {
		t.Fatal("the metrics do not tell the limit")
	}
	if got, err := strconv.ParseFloat(string(m[1]), 64); err != nil || int64(got) != heapOf(&cfg) {
		t.Errorf("the limit is %s, %v; expected %d", m[1], err, heapOf(&cfg))
	}
}
