package wire_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"kvd/replica/wire"
	"kvd/storage/codec"
)

// A frame above what several ops may share is for one op alone: many small ones in
// it would take far more memory than bytes. No encoder writes such a frame.
func TestAFrameOfManyOpsIsBounded(t *testing.T) {
	one := func(int) []byte { return make([]byte, 300<<10) }
	enc := wire.NewEncoder(config(t, 0))
	ops := run(7, 1, 5, one)
	if _, took, err := enc.Batch(nil, ops, wire.DefaultMaxFrame); err != nil || took.Ops != 3 || took.Body > wire.MaxShared {
		t.Errorf("%d ops in %d bytes, %v; want three", took.Ops, took.Body, err)
	}
	var body []byte
	for i := range ops {
		frame, _, err := enc.Batch(nil, ops[i:i+1], 1)
		if err != nil {
			t.Fatal(err)
		}
		d := decoder(t, frame)
		next(t, d, wire.KindBatch)
		if _, _, err := d.Batch(); err != nil {
			t.Fatal(err)
		}
		op := codec.AppendOp(nil, ops[i])
		body = append(binary.BigEndian.AppendUint32(append(body, 0xc6), uint32(len(op))), op...)
	}
	kind := byte(1<<5 | wire.KindBatch)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	check := crc32.Update(crc32.Update(0, crc32.MakeTable(crc32.Castagnoli), []byte{kind}), crc32.MakeTable(crc32.Castagnoli), body)
	frame = append(binary.BigEndian.AppendUint32(append(frame, kind), check), body...)
	d := decoder(t, frame)
	next(t, d, wire.KindBatch)
	if b, _, err := d.Batch(); err == nil {
		t.Errorf("%d ops were taken out of a frame of %d bytes", len(b.Ops), len(body))
	}
}
