package wire_test

import (
	"bytes"
	"io"
	"testing"

	"kvd/replica/wire"
	"kvd/resolve"
)

// beyond is the bytes on the wire of an op beyond key and value.
func beyond(t testing.TB, ops []*resolve.Op) float64 {
	enc := wire.NewEncoder(config(t, 0))
	out, took, err := enc.Batch(nil, ops, 4<<20)
	if err != nil || took.Ops != len(ops) {
		t.Fatal(took, err)
	}
	payload := 0
	for _, op := range ops {
		payload += len(op.Key) + len(op.Value)
	}
	return float64(len(out)-payload) / float64(len(ops))
}

// The goal is at most 60 bytes beyond key and value, three leaders, values that
// do not compress.
func TestBytesOnTheWire(t *testing.T) {
	for _, c := range []struct{ ops, value, limit int }{{1, 100, 80}, {8, 100, 45}, {64, 100, 45}, {512, 100, 45}, {512, 16, 45}, {64, 1000, 45}} {
		got := beyond(t, run(0xabcdef0123456789, 100_001, c.ops, noise(c.value)))
		t.Logf("%d ops of %d B: %.1f bytes beyond key and value", c.ops, c.value, got)
		if got > float64(c.limit) {
			t.Errorf("%d ops of %d B: %.1f bytes beyond key and value, want at most %d", c.ops, c.value, got, c.limit)
		}
	}
}

func BenchmarkEncodeBatch(b *testing.B) {
	for name, value := range map[string]func(int) []byte{"noise100": noise(100), "text100": func(int) []byte { return bytes.Repeat([]byte("abcd "), 20) }} {
		b.Run(name, func(b *testing.B) {
			ops, enc, out := run(7, 100_001, 512, value), wire.NewEncoder(config(b, 0)), []byte(nil)
			b.ReportAllocs()
			for b.Loop() {
				out, _, _ = enc.Batch(out[:0], ops, 4<<20)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/op-shipped")
			b.SetBytes(int64(len(out)))
		})
	}
}

func BenchmarkDecodeBatch(b *testing.B) {
	frame, _, _ := wire.NewEncoder(config(b, 0)).Batch(nil, run(7, 100_001, 512, noise(100)), 4<<20)
	src := &loop{frame: frame}
	d := wire.NewDecoder(src, config(b, 0))
	d.Open()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Next(); err != nil {
			b.Fatal(err)
		}
		if _, _, err := d.Batch(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/op-shipped")
}

func BenchmarkStatus(b *testing.B) {
	var out []byte
	s := benchStatus()
	b.ReportAllocs()
	for b.Loop() {
		out = wire.AppendStatus(out[:0], s)
	}
	b.ReportMetric(float64(len(out)), "bytes")
}

// loop is one frame for ever.
type loop struct {
	frame []byte
	at    int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.frame[l.at:])
	l.at = (l.at + n) % len(l.frame)
	return n, nil
}

var _ io.Reader = (*loop)(nil)
