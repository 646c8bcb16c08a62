package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve"
)

func large(bytes int) *resolve.Op {
	b := make([]byte, bytes)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b[:bytes/2]) // the rest shrinks
	return run(7, 1, 1, func(int) []byte { return b })[0]
}

func status(number uint64) []byte {
	return wire.AppendStatus(nil, &replica.Status{Origin: 7, Number: number, Frontier: logical.FrontierOf()})
}

// inParts is the frames of a large op, each by itself.
func inParts(t *testing.T, e *wire.Encoder, op *resolve.Op, limit int) (frames [][]byte) {
	t.Helper()
	p, err := e.InParts(op, limit)
	if err != nil || p == nil {
		t.Fatalf("an op of %d bytes in parts of %d: %v, %v", op.Size(), limit, p, err)
	}
	for p.Left() > 0 {
		frames = append(frames, p.Append(nil, limit))
	}
	return frames
}

// A large op goes in parts, and what is urgent between them; what arrives is the op.
func TestALargeOpGoesInParts(t *testing.T) {
	const limit = 10_000
	op := large(100_000)
	var stream []byte
	frames := inParts(t, wire.NewEncoder(config(t, 0)), op, limit)
	for i, f := range frames {
		if len(f) > limit+wire.HeadBytes+5 {
			t.Errorf("a part of %d bytes", len(f))
		}
		stream = append(append(stream, f...), status(uint64(i+1))...)
	}
	if len(frames) != 11 || len(stream) > 90_000 {
		t.Errorf("%d frames, %d bytes", len(frames), len(stream))
	}
	d := decoder(t, stream)
	for i := range frames {
		if i == len(frames)-1 {
			takeLarge(t, d, op)
		}
		if k, err := d.Next(); k != wire.KindStatus || err != nil {
			t.Fatalf("after part %d: %s, %v", i, k, err)
		}
		if s, err := d.Status(); err != nil || s.Number != uint64(i+1) {
			t.Fatalf("after part %d: %v, %v", i, s, err)
		}
	}
}

func takeLarge(t *testing.T, d *wire.Decoder, op *resolve.Op) {
	t.Helper()
	if k, err := d.Next(); k != wire.KindBatch || err != nil {
		t.Fatalf("the whole is a %s, %v", k, err)
	}
	b, charge, err := d.Batch()
	if err != nil || len(b.Ops) != 1 || charge != op.Footprint() || b.Ops[0].Dot != op.Dot || !bytes.Equal(b.Ops[0].Value, op.Value) {
		t.Fatalf("the whole: %v, %d, %v", b, charge, err)
	}
}

// forged is a part of ten bytes that says how much is to follow.
func forged(left uint64) []byte {
	frame := append(wire.AppendCredit(nil, left), "0123456789"...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-wire.HeadBytes))
	frame[4] += byte(wire.KindPart - wire.KindCredit)
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.BigEndian.PutUint32(frame[5:], crc32.Update(crc32.Checksum(frame[4:5], table), table, frame[wire.HeadBytes:]))
	return frame
}

// Parts that do not follow each other, or announce what would not be admitted, are
// refused before memory is taken for them.
func TestPartsThatDoNotFit(t *testing.T) {
	small := config(t, 50_000)
	op := large(40_000)
	e := wire.NewEncoder(small)
	f := inParts(t, e, op, 10_000)
	batch, _, err := e.Batch(nil, run(8, 1, 1, func(int) []byte { return []byte("v") }), 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.InParts(large(60_000), 10_000); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("beyond the largest frame: %v", err)
	}
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	for name, c := range map[string]struct {
		stream []byte
		want   error
	}{
		"one is missing":   {join(f[0], f[2]), wire.ErrMalformed},
		"one comes twice":  {join(f[0], f[0]), wire.ErrMalformed},
		"the last alone":   {f[len(f)-1], wire.ErrMalformed},
		"a batch between":  {join(f[0], batch), wire.ErrMalformed},
		"larger than most": {inParts(t, wire.NewEncoder(config(t, 0)), large(60_000), 10_000)[0], wire.ErrTooLarge},
		"without end":      {forged(math.MaxUint64), wire.ErrTooLarge},
		"begun anew":       {join(f[0], forged(math.MaxUint64)), wire.ErrTooLarge},
	} {
		d := wire.NewDecoder(bytes.NewReader(c.stream), small)
		d.Open()
		if _, err := d.Next(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, err := e.InParts(large(1000), 10_000); p != nil || err != nil {
		t.Errorf("a small op goes in parts: %v, %v", p, err)
	}
}
