package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/node/internal/repair"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec"
)

// fill writes n keys at a leader.
func (n *node) fill(keys int, value string) {
	n.t.Helper()
	for from := 0; from < keys; from += 1000 {
		p := n.client.Pipeline()
		for i := from; i < min(keys, from+1000); i++ {
			p.Set(context.Background(), fmt.Sprintf("k%07d", i), fmt.Sprintf("%s%d", value, i), 0)
		}
		if _, err := p.Exec(context.Background()); err != nil {
			n.t.Fatal(err)
		}
	}
}

// agree waits until both have applied the same.
func agree(t *testing.T, a, b *node) {
	t.Helper()
	replicatest.Eventually(t, "both leaders have applied the same", func() bool {
		f, g := a.loop.Frontier(), b.loop.Frontier()
		return f.Includes(g) && g.Includes(f) && a.loop.Synced().Includes(g) && b.loop.Synced().Includes(f)
	})
}

// plant changes the rows of a store that no leader runs on, behind everybody's back. Nil
// takes the row away.
func plant(t *testing.T, dir string, rows map[string]func(o *resolve.Object) *resolve.Object) {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	for key, change := range rows {
		o, err := s.Object(key)
		if err != nil {
			t.Fatal(err)
		}
		b.PutObject(change(o))
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// wrongValue, gone and asBefore are what faults leave of a row.
func wrongValue(o *resolve.Object) *resolve.Object {
	o.Versions[0].Value = []byte("something else")
	return o
}

func gone(o *resolve.Object) *resolve.Object { return &resolve.Object{Key: o.Key} }

func (n *node) compared(with *node, o repair.Options) *repair.Report {
	n.t.Helper()
	o.Findings = 100
	var r *repair.Report
	replicatest.Eventually(n.t, n.Name()+" has compared with "+with.Name(), func() (ok bool) {
		var err error
		r, err = n.repairs.Round(context.Background(), replica.Leader(with.Name()), o)
		if err != nil {
			n.t.Logf("%s: %v", n.Name(), err)
		}
		return err == nil
	})
	return r
}

// object is what a leader holds durably of a key.
func (n *node) object(key string) (encoded []byte) {
	n.t.Helper()
	err := n.loop.Snapshot(func(c *storage.Snapshot, _ logical.Frontier) error {
		o, err := c.Object(key)
		encoded = codec.AppendObject(nil, o)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return encoded
}

// Rows that are wrong in one leader's database, each by another fault, are found by either
// leader and mended by the one that has them, from the other's, while both serve.
func TestWrongRowsAreMendedFromAPeer(t *testing.T) {
	all, configs := onDisk(t, 2)
	keys := 3000
	if s := os.Getenv("KVD_REPAIR_KEYS"); s != "" {
		keys, _ = strconv.Atoi(s)
	}
	all[0].fill(keys, "before")
	agree(t, all[0], all[1])
	var old *resolve.Object
	err := all[1].loop.Snapshot(func(c *storage.Snapshot, _ logical.Frontier) (err error) {
		old, err = c.Object("k0000009")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all[0].fill(20, "after")
	agree(t, all[0], all[1])
	dir := all[1].disk.StoreDir()
	if err := all[1].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	asBefore := func(*resolve.Object) *resolve.Object { return old }
	plant(t, dir, map[string]func(*resolve.Object) *resolve.Object{
		"k0000007": wrongValue, "k0000008": gone, "k0000009": asBefore, "k0002000": wrongValue, "k0000005": gone,
	})
	all[1] = newNode(t, start(t, configs[1]))
	replicatest.Eventually(t, "the leaders have met again", func() bool { return len(all[0].linked()) == 1 && len(all[1].linked()) == 1 })

	if r := all[0].compared(all[1], repair.Options{}); r.Found[repair.Theirs] != 5 || len(r.Found) != 1 {
		t.Errorf("the whole leader found %+v", r)
	}
	if r := all[1].compared(all[0], repair.Options{Dry: true}); r.Found[repair.Wrong] != 5 || len(r.Found) != 1 {
		t.Errorf("dry, the damaged leader found %+v", r)
	}
	began := time.Now()
	r := all[1].compared(all[0], repair.Options{})
	if r.Found[repair.Mended] != 5 || len(r.Found) != 1 || r.Keys < uint64(keys-2) {
		t.Errorf("the damaged leader found %+v", r)
	}
	t.Logf("%d keys compared and mended in %s: %d differences by %d symbols of %d bytes", r.Keys, time.Since(began), r.Differences, r.Symbols, r.SymbolBytes)
	for _, f := range r.Findings {
		if a, b := all[0].object(f.Key), all[1].object(f.Key); !bytes.Equal(a, b) {
			t.Errorf("%s after it was mended:\n%x\n%x", f.Key, a, b)
		}
	}
	if got := all[1].ask("get", "k0000007"); got != "after7" {
		t.Errorf("a client reads %v", got)
	}
	for i, other := range []int{1, 0} {
		if r := all[i].compared(all[other], repair.Options{}); len(r.Found) != 0 || r.Explained != 0 {
			t.Errorf("%s, when all is mended, found %+v", all[i].Name(), r)
		}
	}
	if n := all[1].repairs.Status(); n.Mended != 5 {
		t.Errorf("the status says %+v", n)
	}
}

// Under load leaders differ at every moment, and nothing is found.
func TestNothingIsFoundUnderLoad(t *testing.T) {
	all := cluster(t, 3, everybody(resolve.Causal), nil)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for i, n := range all {
		writers.Go(func() {
			for at := 0; ; at++ {
				select {
				case <-stop:
					return
				default:
				}
				p := n.client.Pipeline()
				for j := range 50 {
					key := fmt.Sprintf("k%d", (at*50+j*7+i)%700)
					switch j % 10 {
					case 0:
						p.Del(context.Background(), key)
					case 1:
						p.Incr(context.Background(), "count"+key)
					default:
						p.Set(context.Background(), key, at, 0)
					}
				}
				_, _ = p.Exec(context.Background()) // some meet siblings
			}
		})
	}
	explained := uint64(0)
	replicatest.Eventually(t, "keys differed that were under way", func() bool {
		for i, n := range all {
			r := n.compared(all[(i+1)%3], repair.Options{})
			if len(r.Found) != 0 {
				t.Fatalf("%s found %+v", n.Name(), r)
			}
			explained += r.Explained
		}
		return explained >= 20
	})
	close(stop)
	writers.Wait()
}
