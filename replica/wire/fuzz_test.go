package wire_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"kvd/replica/wire"
)

// takeApart reads the present frame as what it says it is and writes it again.
func takeApart(d *wire.Decoder, k wire.Kind) ([]byte, error) {
	switch k {
	case wire.KindHello:
		h, err := d.Hello()
		return wire.AppendHello(nil, h), err
	case wire.KindWelcome:
		w, err := d.Welcome()
		return wire.AppendWelcome(nil, w), err
	case wire.KindRefuse:
		r, err := d.Refuse()
		return wire.AppendRefuse(nil, r), err
	case wire.KindStatus:
		s, err := d.Status()
		return wire.AppendStatus(nil, s), err
	case wire.KindCredit:
		n, err := d.Credit()
		return wire.AppendCredit(nil, n), err
	case wire.KindPublished:
		p, err := d.Published()
		if err != nil {
			return nil, err
		}
		return wire.AppendPublished(nil, p), nil
	case wire.KindRepair:
		b, err := d.Repair()
		return wire.AppendRepair(nil, b), err
	case wire.KindGoodbye:
		return wire.AppendGoodbye(nil), d.Goodbye()
	}
	return takeBatch(d)
}

func takeBatch(d *wire.Decoder) ([]byte, error) {
	b, _, err := d.Batch()
	if err != nil {
		return nil, err
	}
	out, _, err := wire.NewEncoder(fuzzConfig).Batch(nil, b.Ops, 1<<30)
	return out, err
}

var fuzzConfig wire.Config

// stable reads b as one frame. What is accepted must be written back byte for
// byte, except that a packed batch can be packed in several ways: it must come
// to rest after one turn.
func stable(t *testing.T, b []byte) {
	d := decoder(t, b)
	k, err := d.Next()
	if err != nil {
		return
	}
	out, err := takeApart(d, k)
	if err != nil {
		return
	}
	packed := b[4]&15 == byte(wire.KindPart) || b[4]&(1<<4) != 0 || len(out) > 4 && out[4]&(1<<4) != 0
	if !packed && !bytes.Equal(out, b[:len(out)]) {
		t.Fatalf("%s: read %x, wrote %x", k, b, out)
	}
	d = decoder(t, out)
	if k, err = d.Next(); err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	again, err := takeApart(d, k)
	if err != nil || !bytes.Equal(again, out) {
		t.Fatalf("wrote %x, then %x, %v", out, again, err)
	}
}

// FuzzFrame feeds whole frames, heads included.
func FuzzFrame(f *testing.F) {
	fuzzConfig = config(f, 0)
	for _, s := range goldenBytes {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(stable)
}

// fuzzBody feeds bodies of one kind under a head that fits.
func fuzzBody(f *testing.F, name string, kind byte) {
	fuzzConfig = config(f, 0)
	b, _ := hex.DecodeString(goldenBytes[name])
	f.Add(b[wire.HeadBytes:])
	if kind&kindByte(wire.KindBatch) == kindByte(wire.KindBatch) {
		full, _, _ := wire.NewEncoder(fuzzConfig).Batch(nil, run(7, 1, 20, noise(9)), 1<<20)
		f.Add(full[wire.HeadBytes:])
		full, _, _ = wire.NewEncoder(fuzzConfig).Batch(nil, run(7, 1, 2, noise(9)), 1<<20)
		f.Add(full[wire.HeadBytes:])
	}
	f.Fuzz(func(t *testing.T, body []byte) { stable(t, frame(kind, body)) })
}

func FuzzHello(f *testing.F)   { fuzzBody(f, "hello", kindByte(wire.KindHello)) }
func FuzzWelcome(f *testing.F) { fuzzBody(f, "welcome", kindByte(wire.KindWelcome)) }
func FuzzRefuse(f *testing.F)  { fuzzBody(f, "refuse", kindByte(wire.KindRefuse)) }
func FuzzStatus(f *testing.F)  { fuzzBody(f, "status", kindByte(wire.KindStatus)) }
func FuzzCredit(f *testing.F)  { fuzzBody(f, "credit", kindByte(wire.KindCredit)) }
func FuzzPublished(f *testing.F) {
	fuzzBody(f, "published", kindByte(wire.KindPublished))
}
func FuzzBatch(f *testing.F)  { fuzzBody(f, "batch", kindByte(wire.KindBatch)) }
func FuzzPacked(f *testing.F) { fuzzBody(f, "batch", kindByte(wire.KindBatch)|1<<4) }
