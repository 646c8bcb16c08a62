package storage_test

import (
	"bytes"
	"reflect"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
)

// Whatever the bytes are, a decoder either refuses them or gives a value that
// encodes to the very same bytes.

func FuzzDecodeOp(f *testing.F) { fuzz(f, ops, storage.AppendOp(nil, typicalOp())) }

// An object of the first format with deadlines in it is written in the present one.
func FuzzDecodeObject(f *testing.F) {
	f.Add(storage.AppendObject(nil, mortalObject()))
	fuzz(f, objects, storage.AppendObject(nil, typicalObject()))
}

func FuzzDecodeRow(f *testing.F) { fuzz(f, rows, storage.AppendRow(nil, typicalRow())) }

func FuzzDecodeLedgerStats(f *testing.F) {
	h := storage.LedgerStats{Rows: 3, Bytes: 900, Entered: 7, Evicted: storage.Evicted{Rows: 4, Bytes: 1200, Newest: -1}}
	h.Inserted[resolve.LWW], h.Evicted.Verdicts[resolve.Causal] = [2]int64{5, 6}, [2]int64{0, 4}
	fuzz(f, held, storage.AppendLedgerStats(nil, &h))
}

func FuzzDecodeState(f *testing.F) {
	fuzz(f, states, storage.AppendState(nil, storage.State{
		Origin: 7, Lamport: 300, HLC: logical.HLC{Wall: -5, Count: 1},
		Frontier: logical.FrontierOf(logical.Dot{Origin: 7, Seq: 70000}, logical.Dot{Origin: 9, Seq: 1}),
	}))
}

func fuzz[T any](f *testing.F, c codec[T], seed []byte) {
	f.Add(seed)
	f.Add([]byte{})
	f.Add([]byte{0xdd, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := c.decode(b)
		if err != nil {
			return
		}
		again := c.append(nil, v)
		if later, err := c.decode(again); err != nil || !reflect.DeepEqual(v, later) {
			t.Fatalf("accepted %x\nre-encoded %x, which is %+v, %v", b, again, later, err)
		}
		if !bytes.Equal(again, b) && again[1] == b[1] {
			t.Fatalf("accepted %x\nre-encoded %x", b, again)
		}
	})
}
