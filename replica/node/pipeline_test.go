package node

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"

	"kvd/resolve"
)

// A GET of a pipeline takes at most one allocation from socket to reply, whatever else
// the leader does at the same time.
func TestPipelinedReadsAllocateLittle(t *testing.T) {
	n := cluster(t, 1, resolve.Policy{Default: resolve.Causal}, nil)[0]
	value := string(bytes.Repeat([]byte("v"), 100))
	var get, want []byte
	const depth = 16
	for i := range depth {
		key := fmt.Sprintf("key:%012d", i)
		n.set(key, value)
		get = fmt.Appendf(get, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key)
		want = fmt.Appendf(want, "$%d\r\n%s\r\n", len(value), value)
	}
	nc, err := net.Dial("tcp", n.Addrs().RESP)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	got := make([]byte, len(want))
	pipeline := func() {
		if _, err := nc.Write(get); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v: %q", err, got)
		}
	}
	if each := testing.AllocsPerRun(2000, pipeline) / depth; each > 1 {
		t.Errorf("a GET takes %.2f allocations", each)
	} else {
		t.Logf("a GET takes %.2f allocations", each)
	}
}
