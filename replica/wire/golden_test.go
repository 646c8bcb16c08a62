package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve"
	"kvd/storage/codec/codectest"
	"kvd/wallclock"
)

// golden are messages and their bytes for ever: other versions of the program
// read them.
func golden(t *testing.T) map[string][]byte {
	h := &wire.Hello{VersionMin: 1, VersionMax: 2, Cluster: "c", Leader: "n1", To: "n2", Origin: 0x0102030405060708, Nonce: 200, Policy: "*=lww", RESP: "h:1", HTTP: "",
		Frontier: logical.FrontierOf(logical.Dot{Origin: 9, Seq: 300}, logical.Dot{Origin: 4, Seq: 1})}
	s := &replica.Status{Origin: 5, Number: 6, Frontier: h.Frontier, Lamport: 70_000, HLC: logical.HLC{Wall: -33, Count: 1},
		Wall: wallclock.Interval{Earliest: -1, Latest: 1}, Echo: replica.Echo{Origin: 3, Number: 1000, Held: 5},
		Refused: []logical.Origin{8}, Shared: []logical.Origin{4, 5}, Sums: []replica.Sum{{Through: logical.Dot{Origin: 4, Seq: 1}, Sum: 1 << 40}}, Again: []logical.Dot{{Origin: 9, Seq: 300}}}
	op := &resolve.Op{Dot: logical.Dot{Origin: 7, Seq: 1}, Key: "k", Kind: resolve.Put, Value: []byte("v"), Wall: wallclock.Around(5, 0), HLC: logical.HLC{Wall: 5}}
	next := *op
	next.Dot.Seq, next.Deps = 2, logical.FrontierOf(op.Dot)
	batch, _, err := wire.NewEncoder(config(t, 1<<20)).Batch(nil, []*resolve.Op{op, &next}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"hello":   wire.AppendHello(nil, h),
		"welcome": wire.AppendWelcome(nil, &wire.Welcome{Version: 2, Credit: 1 << 20, Hello: *h}),
		"refuse":  wire.AppendRefuse(nil, &wire.Refuse{Reason: wire.OtherPolicy, Detail: "no"}),
		"status":  wire.AppendStatus(nil, s),
		"credit":  wire.AppendCredit(nil, 65536),
		"goodbye": wire.AppendGoodbye(nil),

		"published": wire.AppendPublished(nil, &wire.Published{Channel: "news", Message: []byte("\xff")}),

		"batch": batch,
	}
}

var goldenBytes = map[string]string{
	"hello":   "00000028212a8824b39b0102a163a26e31a26e32cf0102030405060708ccc8a52a3d6c7777a3683a31a094040109cd012c",
	"welcome": "0000002f22a44b33fa9302ce001000009b0102a163a26e31a26e32cf0102030405060708ccc8a52a3d6c7777a3683a31a094040109cd012c",
	"refuse":  "00000005237b7c85a39203a26e6f",
	"status":  "000000322516c8d673dc0010050694040109cd012cce00011170d0df01ff0103cd03e805909108920405930401cf00000100000000009209cd012c",
	"credit":  "00000005261215ba46ce00010000",
	"goodbye": "0000000027a60ab964",

	"published": "0000000a29fc14b1e192c4046e657773c401ff",

	"batch": "000000322488819f52c4179a0101a16bc40176c408000000000000000701900500ffc4179a0101a16bc40176c408000000000000000702900500fe",
}

func TestGoldenBytes(t *testing.T) {
	for name, b := range golden(t) {
		if got := hex.EncodeToString(b); got != goldenBytes[name] {
			t.Errorf("%q: %q,", name, got)
		}
	}
}

// Any reader of MessagePack reads the bodies, and msgpack/v5 writes them so.
func TestBodiesAreMessagePack(t *testing.T) {
	for name, b := range golden(t) {
		values := map[string]int{"goodbye": 0, "batch": 2}
		want, special := values[name]
		if !special {
			want = 1
		}
		if all, err := codectest.AsMsgpack(b[wire.HeadBytes:]); err != nil || len(all) != want {
			t.Errorf("%s: %d values, %v", name, len(all), err)
		}
	}
}

// A batch is one byte string for each op, each of which is an array.
func TestBatchesAreMessagePack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := drawOps(t)
		b, took, err := wire.NewEncoder(wire.Config{MaxFrame: 1 << 20}).Batch(nil, ops, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		body := b[wire.HeadBytes:]
		if b[4]&(1<<4) != 0 {
			if body, err = s2.Decode(nil, body); err != nil {
				t.Fatal(err)
			}
		}
		all, err := codectest.AsMsgpack(body)
		if err != nil || len(all) != took.Ops {
			t.Fatalf("%d ops, %d values, %v", took.Ops, len(all), err)
		}
		for _, op := range all {
			if _, err := codectest.AsMsgpack(op.([]byte)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// frame is a well-summed frame of that kind byte and body.
func frame(kind byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, kind)
	sum := crc32.Checksum(append([]byte{kind}, body...), crc32.MakeTable(crc32.Castagnoli))
	return append(binary.BigEndian.AppendUint32(b, sum), body...)
}

func kindByte(k wire.Kind) byte { return 1<<5 | byte(k) }

func TestRefusedFrames(t *testing.T) {
	bomb := s2.Encode(nil, make([]byte, 64<<20))
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"other format", frame(2<<5|byte(wire.KindStatus), nil), wire.ErrUnknown},
		{"unknown kind", frame(kindByte(15), nil), wire.ErrUnknown},
		{"packed status", frame(kindByte(wire.KindStatus)|1<<4, nil), wire.ErrUnknown},
		{"too large", binary.BigEndian.AppendUint32(nil, 1<<31), wire.ErrUnknown},
		{"too large batch", append([]byte{0x7f, 0xff, 0xff, 0xff, kindByte(wire.KindBatch)}, 0, 0, 0, 0), wire.ErrTooLarge},
		{"unpacks to 64 MiB", frame(kindByte(wire.KindBatch)|1<<4, bomb), wire.ErrTooLarge},
		{"packed nonsense", frame(kindByte(wire.KindBatch)|1<<4, []byte{5, 0xff, 0xff}), wire.ErrMalformed},
		{"empty batch", frame(kindByte(wire.KindBatch), nil), wire.ErrMalformed},
		{"op announced, not there", frame(kindByte(wire.KindBatch), []byte{0xc6, 0x7f, 0xff, 0xff, 0xff}), wire.ErrMalformed},
		{"frontier announced, not there", frame(kindByte(wire.KindStatus), []byte{0x96, 1, 1, 0xdd, 0, 1, 0, 0}), wire.ErrMalformed},
		{"wide number", frame(kindByte(wire.KindCredit), []byte{0xcf, 0, 0, 0, 0, 0, 0, 0, 1}), wire.ErrMalformed},
		{"left over", frame(kindByte(wire.KindCredit), []byte{1, 1}), wire.ErrMalformed},
		{"goodbye with a word", frame(kindByte(wire.KindGoodbye), []byte{1}), wire.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := append(c.bytes, make([]byte, 9)...)
			if err := readOne(decoder(t, b)); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

// readOne reads and takes apart one frame.
func readOne(d *wire.Decoder) error {
	k, err := d.Next()
	if err != nil {
		return err
	}
	_, err = takeApart(d, k)
	return err
}

// Announcements take no memory: only bytes that are there do.
func TestAnnouncedLengthTakesNoMemory(t *testing.T) {
	head := append(binary.BigEndian.AppendUint32(nil, 5<<20), kindByte(wire.KindBatch), 0, 0, 0, 0)
	bomb := frame(kindByte(wire.KindBatch)|1<<4, s2.Encode(nil, make([]byte, 64<<20)))
	for name, b := range map[string][]byte{"head alone": head, "bomb": bomb} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 20 {
			if err := readOne(decoder(t, b)); err == nil {
				t.Fatalf("%s was read", name)
			}
		}
		runtime.ReadMemStats(&after)
		if per := (after.TotalAlloc - before.TotalAlloc) / 20; per > 16<<10+uint64(3*len(b)) {
			t.Errorf("%s: %d bytes taken for %d bytes", name, per, len(b))
		}
	}
}

func TestGreetingsAreSmallUntilOpen(t *testing.T) {
	b := frame(kindByte(wire.KindHello), make([]byte, wire.MaxGreeting+1))
	d := wire.NewDecoder(bytes.NewReader(b), config(t, 0))
	if _, err := d.Next(); !errors.Is(err, wire.ErrTooLarge) {
		t.Fatalf("got %v, want ErrTooLarge", err)
	}
}

func TestRefusalIsCutAtAWholeCharacter(t *testing.T) {
	long := strings.Repeat("é", wire.MaxDetail)
	d := decoder(t, wire.AppendRefuse(nil, &wire.Refuse{Reason: wire.NotAMember, Detail: "x" + long}))
	next(t, d, wire.KindRefuse)
	r, err := d.Refuse()
	if err != nil || len(r.Detail) != wire.MaxDetail-1 {
		t.Fatalf("%d bytes of detail, %v", len(r.Detail), err)
	}
}
