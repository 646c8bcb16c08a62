package host_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/storage"
)

// opOf is an op of an origin that knows of no other.
func opOf(o logical.Origin, seq logical.Seq) *resolve.Op {
	op := &resolve.Op{Key: "k", Kind: resolve.Delete, Dot: logical.Dot{Origin: o, Seq: seq}, Lamport: logical.Lamport(seq)}
	if seq > 1 {
		op.Deps = logical.FrontierOf(logical.Dot{Origin: o, Seq: seq - 1})
	}
	return op
}

// A store whose frontier is full of origins, all of them the leader's own of once, is
// opened, served and written to as far as origins are admitted, and opened again.
func TestAFullStoreIsServed(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	var full logical.Frontier
	var origins []logical.Origin
	for o := range logical.Origin(limits.Origins) {
		origins = append(origins, o+1)
		full.Advance(logical.Dot{Origin: o + 1, Seq: 1})
	}
	b := s.NewBatch()
	b.PutOp(opOf(5, 1))
	b.PutState(storage.State{Origin: 5, Frontier: full})
	b.PutIncarnations(origins)
	if err := errors.Join(b.Commit(), b.Close()); err != nil {
		t.Fatal(err)
	}
	for i := range logical.Origin(2) {
		p, err := host.Open(config(), s, 90_000+i, nil)
		if err != nil {
			t.Fatal(err)
		}
		step(t, p, set("x", "a"), get("x"), replica.Received{From: "n2", Message: &replica.Batch{Ops: []*resolve.Op{opOf(80_000, 1), opOf(5, 2+logical.Seq(i))}}})
		out := commit(t, p)
		if r := out.Replies; len(r) != 2 || !errors.Is(r[0].Err, replica.ErrReadOnly) || r[1].Err != nil {
			t.Errorf("replies %+v", r)
		}
		if f := p.State().Frontier; f.At(5) != 2+logical.Seq(i) || f.At(80_000) != 0 || f.Len() != limits.Origins {
			t.Errorf("%d origins, and origin 5 at %d", f.Len(), f.At(5))
		}
		p.Close()
	}
	if got, err := s.Incarnations(); err != nil || !slices.Equal(got, origins) {
		t.Errorf("%d origins are remembered, %v", len(got), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// What the logs add up to is the same after each way to come to it: as they grow, and
// read again; and a difference of one op shows at the end and at the sequences between.
func TestSumsAreWhatTheLogHolds(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	const count = 600
	b := s.NewBatch()
	for seq := range logical.Seq(count) {
		b.PutOp(opOf(7, seq+1))
		if seq%100 == 0 {
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(b.Commit(), b.Close()); err != nil {
		t.Fatal(err)
	}
	sums := func(s *storage.Store) (all []uint64) {
		for _, seq := range []logical.Seq{256, 512, count} {
			sum, ok, err := s.Sum(logical.Dot{Origin: 7, Seq: seq})
			if err != nil || !ok {
				t.Fatalf("sum at %d: %v, %v", seq, ok, err)
			}
			all = append(all, sum)
		}
		return all
	}
	want := sums(s)
	for _, seq := range []logical.Seq{100, 599, count + 1} {
		if _, ok, _ := s.Sum(logical.Dot{Origin: 7, Seq: seq}); ok {
			t.Errorf("there is a sum at %d", seq)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, fs)
	defer s.Close()
	if got := sums(s); !slices.Equal(got, want) {
		t.Errorf("read again %x, want %x", got, want)
	}
	other := openStore(t, vfs.NewMem())
	defer other.Close()
	b = other.NewBatch()
	for seq := range logical.Seq(count) {
		op := opOf(7, seq+1)
		if seq == 300 {
			op.Key = "other"
		}
		b.PutOp(op)
	}
	if err := errors.Join(b.Commit(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if got := sums(other); got[0] != want[0] || got[1] == want[1] || got[2] == want[2] {
		t.Errorf("with one op another: %x, want the first of %x and no other", got, want)
	}
}
