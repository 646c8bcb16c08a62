package wire_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"kvd/replica/wire"
	"kvd/resolve"
	"kvd/storage/codec"
)

// next reads one frame and insists on its kind.
func next(t rapid.TB, d *wire.Decoder, want wire.Kind) {
	t.Helper()
	got, err := d.Next()
	if err != nil || got != want {
		t.Fatalf("next frame: %s, %v; want %s", got, err, want)
	}
}

// same insists that what was read is what was written.
func same[T comparable](t rapid.TB, got, want T, equal bool, err error) {
	t.Helper()
	if err != nil || !equal {
		t.Fatalf("read %+v, %v; want %+v", got, err, want)
	}
}

func TestGreetingsRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHello(rt)
		w := &wire.Welcome{Version: rapid.Uint64().Draw(rt, "version"), Credit: rapid.Uint64().Draw(rt, "credit"), Hello: *drawHello(rt)}
		f := &wire.Refuse{Reason: wire.Reason(rapid.IntRange(1, 255).Draw(rt, "reason")), Detail: rapid.StringN(0, 300, wire.MaxDetail).Draw(rt, "detail")}
		d := decoder(t, wire.AppendRefuse(wire.AppendWelcome(wire.AppendHello(nil, h), w), f))

		next(rt, d, wire.KindHello)
		gotH, err := d.Hello()
		same(rt, gotH, h, reflect.DeepEqual(gotH, h), err)
		next(rt, d, wire.KindWelcome)
		gotW, err := d.Welcome()
		same(rt, gotW, w, reflect.DeepEqual(gotW, w), err)
		next(rt, d, wire.KindRefuse)
		gotF, err := d.Refuse()
		same(rt, gotF, f, *gotF == *f, err)
	})
}

func TestStatusCreditGoodbyeRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, n := drawStatus(rt), rapid.Uint64().Draw(rt, "credit")
		d := decoder(t, wire.AppendGoodbye(wire.AppendCredit(wire.AppendStatus(nil, s), n)))
		next(rt, d, wire.KindStatus)
		gotS, err := d.Status()
		same(rt, gotS, s, reflect.DeepEqual(gotS, s), err)
		next(rt, d, wire.KindCredit)
		gotN, err := d.Credit()
		same(rt, gotN, n, gotN == n, err)
		next(rt, d, wire.KindGoodbye)
		if err := d.Goodbye(); err != nil {
			rt.Fatal(err)
		}
		if _, err := d.Next(); err != io.EOF {
			rt.Fatalf("after the last frame: %v, want EOF", err)
		}
	})
}

// A published message is any bytes, and shares none with the frame it came in.
func TestPublishedRoundTrips(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bytesUpTo := func(n int, name string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, n).Draw(rt, name) }
		p := &wire.Published{Channel: string(bytesUpTo(300, "channel")), Message: bytesUpTo(600, "message")}
		d := decoder(t, wire.AppendPublished(wire.AppendPublished(nil, p), &wire.Published{Message: bytes.Repeat([]byte{7}, 1000)}))
		next(rt, d, wire.KindPublished)
		got, err := d.Published()
		next(rt, d, wire.KindPublished)
		same(rt, got, p, got != nil && got.Channel == p.Channel && bytes.Equal(got.Message, p.Message), err)
	})
	full := &wire.Published{Channel: "c", Message: make([]byte, wire.MaxPublished-1)}
	d := decoder(t, wire.AppendPublished(nil, full))
	next(t, d, wire.KindPublished)
	if got, err := d.Published(); err != nil || len(got.Message) != len(full.Message) {
		t.Fatalf("the longest message: %v", err)
	}
	full.Channel = "cc"
	d = decoder(t, wire.AppendPublished(nil, full))
	next(t, d, wire.KindPublished)
	if _, err := d.Published(); !errors.Is(err, wire.ErrMalformed) {
		t.Fatalf("a byte more: %v, want ErrMalformed", err)
	}
}

// Whatever the limit, the frames of a batch hold all its ops, in order, and each
// stays within the limit unless it holds one op alone; both sides agree on the
// charge.
func TestBatchSplitsAndRoundTrips(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ops, limit := drawOps(rt), rapid.IntRange(1, 6000).Draw(rt, "limit")
		enc := wire.NewEncoder(config(t, 0))
		var out []byte
		var charges []int
		for left := ops; len(left) > 0; {
			var took wire.Taken
			var err error
			if out, took, err = enc.Batch(out, left, limit); err != nil {
				rt.Fatal(err)
			}
			if body := took.Body; body > limit && took.Ops > 1 {
				rt.Fatalf("a body of %d bytes with %d ops, the limit is %d", body, took.Ops, limit)
			}
			left, charges = left[took.Ops:], append(charges, took.Charge)
		}
		var got []*resolve.Op
		for d := decoder(t, out); len(charges) > 0; charges = charges[1:] {
			next(rt, d, wire.KindBatch)
			b, charge, err := d.Batch()
			same(rt, charge, charges[0], charge == charges[0], err)
			got = append(got, b.Ops...)
		}
		if !reflect.DeepEqual(bytesOf(got), bytesOf(ops)) {
			rt.Fatalf("read %d ops that differ from the %d written", len(got), len(ops))
		}
	})
}

// bytesOf compares ops by what is stored of them.
func bytesOf(ops []*resolve.Op) [][]byte {
	var all [][]byte
	for _, op := range ops {
		all = append(all, codec.AppendOp(nil, op))
	}
	return all
}

func TestOpsOwnTheirMemory(t *testing.T) {
	enc := wire.NewEncoder(config(t, 0))
	first, _, _ := enc.Batch(nil, run(7, 1, 40, noise(50)), 1<<20)
	both, _, _ := enc.Batch(first, run(7, 41, 40, func(int) []byte { return bytes.Repeat([]byte{'x'}, 50) }), 1<<20)
	d := decoder(t, both)
	next(t, d, wire.KindBatch)
	b, _, err := d.Batch()
	if err != nil {
		t.Fatal(err)
	}
	next(t, d, wire.KindBatch)
	if _, _, err := d.Batch(); err != nil {
		t.Fatal(err)
	}
	for i, op := range b.Ops {
		if !bytes.Equal(op.Value, noise(50)(i)) {
			t.Fatalf("op %d changed when the next frame was read", i)
		}
	}
}

func TestBatchIsPackedWhenItPays(t *testing.T) {
	enc := wire.NewEncoder(config(t, 0))
	for _, c := range []struct {
		name  string
		value func(int) []byte
		n     int
		packs bool
	}{
		{"text", func(int) []byte { return bytes.Repeat([]byte("name=ann "), 30) }, 64, true},
		{"noise", noise(4000), 8, false},
		{"small", func(int) []byte { return nil }, 1, false},
	} {
		out, took, err := enc.Batch(nil, run(7, 1, c.n, c.value), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		body := took.Body
		if packed := len(out) < wire.HeadBytes+body; packed != c.packs {
			t.Errorf("%s: %d bytes of %d, packed %v, want %v", c.name, len(out), body, packed, c.packs)
		}
	}
}

func TestBatchRefusesAnOpAboveTheLimit(t *testing.T) {
	enc := wire.NewEncoder(config(t, 8<<10))
	held := []byte("held")
	out, _, err := enc.Batch(held, run(7, 1, 1, noise(9<<10)), 1<<10)
	if !errors.Is(err, wire.ErrTooLarge) || !bytes.Equal(out, held) {
		t.Fatalf("got %d bytes, %v; want ErrTooLarge and nothing appended", len(out), err)
	}
}

// A stream cut anywhere is an unexpected end, never a frame, and arrives the
// same one byte at a time.
func TestCutAnywhere(t *testing.T) {
	frame, _, err := wire.NewEncoder(config(t, 0)).Batch(nil, run(7, 1, 3, noise(20)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for n := range frame {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		d := wire.NewDecoder(iotest.OneByteReader(bytes.NewReader(frame[:n])), config(t, 0))
		if k, err := d.Next(); err != want {
			t.Fatalf("cut at %d: %s, %v; want %v", n, k, err, want)
		}
	}
	d := wire.NewDecoder(iotest.OneByteReader(bytes.NewReader(frame)), config(t, 0))
	next(t, d, wire.KindBatch)
}

// One changed bit anywhere is noticed.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	frame, _, err := wire.NewEncoder(config(t, 0)).Batch(nil, run(7, 1, 3, noise(20)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(frame) {
		bad := bytes.Clone(frame)
		bad[bit/8] ^= 1 << (bit % 8)
		if k, err := decoder(t, bad).Next(); err == nil {
			t.Fatalf("bit %d flipped: read a %s", bit, k)
		}
	}
}

// What is said of repair is any bytes, up to the limit.
func TestRepairRoundTrips(t *testing.T) {
	for _, n := range []int{0, 1, wire.MaxRepair, wire.MaxRepair + 1} {
		d := decoder(t, wire.AppendRepair(nil, bytes.Repeat([]byte{7}, n)))
		next(t, d, wire.KindRepair)
		switch got, err := d.Repair(); {
		case n > wire.MaxRepair && !errors.Is(err, wire.ErrMalformed):
			t.Errorf("%d bytes: %v, want ErrMalformed", n, err)
		case n <= wire.MaxRepair && (err != nil || len(got) != n):
			t.Errorf("%d bytes are read as %d, %v", n, len(got), err)
		}
	}
}
