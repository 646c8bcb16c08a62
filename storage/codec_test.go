package storage_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// codec is one pair of functions, made alike so that every law is proved for
// all of them.
type codec[T any] struct {
	draw   func(*rapid.T) T
	append func([]byte, T) []byte
	decode func([]byte) (T, error)
}

var (
	ops     = codec[*resolve.Op]{op, storage.AppendOp, storage.DecodeOp}
	objects = codec[*resolve.Object]{object, storage.AppendObject, storage.DecodeObject}
	states  = codec[storage.State]{state, storage.AppendState, storage.DecodeState}
	rows    = codec[*storage.LossRow]{keyless, storage.AppendRow, storage.DecodeRow}
	judged  = codec[storage.Judged]{judgement, storage.AppendJudged, storage.DecodeJudged}
	held    = codec[storage.LedgerStats]{holding,
		func(dst []byte, h storage.LedgerStats) []byte { return storage.AppendLedgerStats(dst, &h) }, storage.DecodeLedgerStats}
)

func TestJudgedLaws(t *testing.T)  { laws(t, judged) }
func TestOpLaws(t *testing.T)      { laws(t, ops) }
func TestObjectLaws(t *testing.T)  { laws(t, objects) }
func TestRowLaws(t *testing.T)     { laws(t, rows) }
func TestHoldingLaws(t *testing.T) { laws(t, held) }
func TestStateLaws(t *testing.T)   { laws(t, states) }

// keyless is a row as it is encoded: key and loser stand in the storage key.
func keyless(t *rapid.T) *storage.LossRow {
	r := row(t)
	r.Key, r.Loser = "", logical.Dot{}
	return r
}

// laws: what is decoded is what was encoded; the encoding is appended and
// nothing else; no memory is shared; every shorter input is refused, and every
// longer one; any MessagePack reader understands it.
func laws[T any](t *testing.T, c codec[T]) {
	rapid.Check(t, func(t *rapid.T) {
		v := c.draw(t)
		b := c.append([]byte("head"), v)
		if !bytes.HasPrefix(b, []byte("head")) {
			t.Fatal("the encoding is not appended")
		}
		b = b[4:]
		got, err := c.decode(b)
		if err != nil {
			t.Fatalf("decode %x: %v", b, err)
		}
		readable(t, b)
		again := bytes.Clone(b)
		for n := range b {
			if _, err := c.decode(b[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes were accepted", n, len(b))
			}
		}
		if _, err := c.decode(append(bytes.Clone(b), 0)); err == nil {
			t.Fatal("a byte too many was accepted")
		}
		clear(b)
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("encoded %+v\ndecoded %+v", v, got)
		}
		if twice := c.append(nil, got); !bytes.Equal(twice, again) {
			t.Fatalf("encoded once %x\ntwice       %x", again, twice)
		}
	})
}

// readable decodes b with a general reader, and checks the outermost shape.
func readable(t *rapid.T, b []byte) {
	dec := msgpack.NewDecoder(bytes.NewReader(b))
	got, err := dec.DecodeSlice()
	if err != nil {
		t.Fatalf("another MessagePack reader: %v", err)
	}
	if format, ok := got[0].(int8); !ok || format < 1 || format > 4 {
		t.Fatalf("the first element is %v, not the format", got[0])
	}
}

// Golden bytes: stores on disk and leaders of other versions hold these. If this
// fails, the format has changed: give it a new number and keep reading the old.
const (
	goldenOp = "9b" + // eleven elements
		"01" + "09" + // format; a put with parents
		"af757365723a30303030303031323334" + "c4056869c3a900" + // key, value
		"c418" + "9f3a61c04be27d15" + "1c77e0d2a9b3f846" + "5be904417a6cd223" + // origins
		"cdc822" + "92cdc3b4cdc2d4" + // seq; deps of the second and third origin
		"cf187a866b7325e655" + "cd0bb8" + // earliest, width: 3,000 times 2 microseconds
		"d092" + // Lamport: 110 below the sum
		"91cd189d" // parents: 2,100 back at the second of three origins
	goldenObject = "94" + // four elements
		"01" + "af757365723a30303030303031323334" + "c3" + // format, key, duplicates
		"9c" + "71" + "7f" + // a put with total, base and voids, kept by all seven
		"cf9f3a61c04be27d15" + "cdc822" + "c4023132" + // dot, value
		"cf187a866b7325e655" + "cd0bb8" + "ce0001861a" + // wall, Lamport less seq
		"0c" + "ccea02" + "9204ff" // total; base 234 back, 2; one void 4 back, -1
)

func TestGoldenOp(t *testing.T) {
	op := typicalOp()
	op.Value = []byte("hié\x00")
	golden(t, storage.AppendOp(nil, op), goldenOp)
}

// What format 1 does not know is not read in it: the same object would have two
// encodings, and one of them would lose the end of a counter.
func TestAnOlderFormatHoldsNothingNewer(t *testing.T) {
	version := resolve.Version{Dot: logical.Dot{Origin: life, Seq: 3}, Mask: resolve.Counter.Mask(), Kind: resolve.Add}
	version.Count = resolve.Count{Total: resolve.Wide(1), Ends: []resolve.End{{Seq: 2, Expires: 9, Stamp: resolve.Stamp{By: logical.Dot{Origin: life, Seq: 4}}}}}
	b := storage.AppendObject(nil, &resolve.Object{Key: "k", Versions: []resolve.Version{version}})
	if o, err := storage.DecodeObject(b); err != nil || len(o.Versions[0].Count.Ends) != 1 {
		t.Fatalf("%+v, %v", o, err)
	}
	b[1] = 1
	if o, err := storage.DecodeObject(b); err == nil {
		t.Errorf("format 1 is read as %+v", o)
	}
}

func TestGoldenObject(t *testing.T) {
	o := typicalObject()
	o.Duplicates = true
	o.Versions[0].Value = []byte("12")
	o.Versions[0].Count = resolve.Count{Total: resolve.Wide(12), Base: resolve.Base{Seq: 51000, Total: resolve.Wide(2)}, Voids: []resolve.VoidDelta{{Seq: 51230, Delta: resolve.Wide(-1)}}}
	golden(t, storage.AppendObject(nil, o), goldenObject)
}

func golden(t *testing.T, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("encoding changed:\n got %x\nwant %s", got, want)
	}
}

// TestAnnouncedLengths feeds headers that promise more than follows, within the
// limits and far beyond them. What is allocated stays in proportion to what was
// sent: the trap in general decoders.
func TestAnnouncedLengths(t *testing.T) {
	const op, version = "9b0109a161c0c4080000000000000001019000" + "00ff", "9301a0" + "9a417f0101c0000000"
	for name, h := range map[string]string{
		"array":    "dd7fffffff",
		"value":    "9a0101a161c67fffffff",
		"value 2":  "9a0101a161c603ffffff",
		"key":      "9a0101db7fffffff",
		"key 2":    "9a0101da8000",
		"origins":  "9a0101a161c0c67ffffff8",
		"parents":  op + "dc1000",
		"versions": "dc8002" + "01a0" + strings.Repeat("00", 0x8000),
		"voids":    version + "dd00020000",
		"verdicts": "930101" + "dc0060",
		"kept":     "9901019601010000000009c603ffffff",
		"tally":    "9a0100000030",
		"places":   "96010101" + "0101" + "dc2000",
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		n := allocated(func() {
			for _, err := range refused(b) {
				if err == nil {
					t.Errorf("%s was accepted", name)
				}
			}
		})
		if n > 16<<10+2*uint64(len(b)) {
			t.Errorf("%s: %d bytes were allocated for %d", name, n, len(b))
		}
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// refused is what every decoder says of b.
func refused(b []byte) []error {
	_, op := storage.DecodeOp(b)
	_, object := storage.DecodeObject(b)
	_, row := storage.DecodeRow(b)
	_, held := storage.DecodeLedgerStats(b)
	_, state := storage.DecodeState(b)
	return []error{op, object, row, held, state}
}

// TestNotCanonical changes an encoding so that a lenient reader would take it
// for the same value.
func TestNotCanonical(t *testing.T) {
	plain := &resolve.Op{Dot: logical.Dot{Origin: 1, Seq: 1}, Key: "k", Kind: resolve.Put, Value: []byte("v"), Wall: wallclock.Around(5, 0), HLC: logical.HLC{Wall: 5}}
	b := storage.AppendOp(nil, plain)
	for name, change := range map[string][2]string{
		"wide array":          {"9a01", "dc000a01"},
		"wide number":         {"9a01", "9acc01"},
		"key as bytes":        {"a16b", "c4016b"},
		"wide key":            {"a16b", "d9016b"},
		"wide value":          {"c40176", "c5000176"},
		"unknown format":      {"9a01", "9a02"},
		"unknown kind":        {"9a0101", "9a0107"},
		"unused origin":       {"c408000000000000000101" + "90", "c4100000000000000001000000000000000201" + "9100"},
		"width in ns":         {"0500ff", "05" + "ff" + "ff"},
		"own place in deps":   {"01900500", "0191000500"},
		"unknown shape":       {"9a0101", "9a01cd1001"},
		"more elements":       {"9a01", "9b01"},
		"odd bytes of origin": {"c4080000000000000001", "c407000000000000" + "01"},
	} {
		h := hex.EncodeToString(b)
		if strings.Count(h, change[0]) != 1 {
			t.Errorf("%s: %s is not once in %s", name, change[0], h)
			continue
		}
		changed, _ := hex.DecodeString(strings.Replace(h, change[0], change[1], 1))
		if o, err := storage.DecodeOp(changed); err == nil {
			t.Errorf("%s: %x was accepted as %+v", name, changed, o)
		}
	}
}

// TestEmptyGroups announces groups that hold what is understood without them.
func TestEmptyGroups(t *testing.T) {
	const op, version, verdict = "a16bc40176c408000000000000000101" + "900500ff", "7f0101c0000000", "96010100000000"
	for name, h := range map[string]string{
		"prev":        "9b0111" + op + "01",
		"parents":     "9b0109" + op + "90",
		"hlc":         "9c0121" + op + "0000",
		"request":     "9c0141" + op + "0000",
		"count":       "9c01cd0101" + op + "0000",
		"seen":        "9b01cd0401" + op + "90",
		"inverted":    "9b01cd0801" + op + "00",
		"total":       "9301a0" + "9911" + version + "00",
		"base":        "9301a0" + "9a21" + version + "0100",
		"voids":       "9301a0" + "9941" + version + "90",
		"expires":     "9301a0" + "99cc81" + version + "00",
		"row hlc":     "9b0101" + verdict + "09c000000000" + "0000",
		"row request": "9b0101" + verdict + "11c000000000" + "0000",
		"row delta":   "9a0101" + verdict + "21c000000000" + "00",
		"row expires": "9a0101" + verdict + "41c000000000" + "00",
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		if errs := refused(b); !strings.Contains(fmt.Sprint(errs), "announced and empty") {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// TestDotsBehind: a dot has one encoding, relative to deps where it can be.
func TestDotsBehind(t *testing.T) {
	const op = "9b0109a16bc40176c408000000000000000105" + "900000" // seq 5, deps 4
	for name, tail := range map[string]string{
		"wraps":    "00" + "91" + "cfffffffffffffffff",
		"zero":     "00" + "91" + "04",
		"covered":  "00" + "91" + "920003",
		"unlisted": "00" + "91" + "920109",
	} {
		b, err := hex.DecodeString(op + tail)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := storage.DecodeOp(b); err == nil {
			t.Errorf("%s: accepted as %+v", name, o)
		}
	}
	for tail, want := range map[string]logical.Seq{"00" + "91" + "01": 3, "00" + "91" + "920009": 9} {
		b, _ := hex.DecodeString(op + tail)
		o, err := storage.DecodeOp(b)
		if err != nil || o.Parents[0].Seq != want {
			t.Errorf("%s: %+v, %v", tail, o, err)
		}
	}
}

// TestLimits: beyond a limit the decoder refuses what an encoder without them
// would write.
func TestLimits(t *testing.T) {
	big := func(change func(*resolve.Op)) []byte {
		op := typicalOp()
		change(op)
		return storage.AppendOp(nil, op)
	}
	for name, b := range map[string][]byte{
		"131072 parents": big(func(o *resolve.Op) { o.Parents = nearDots(o, 131073) }),
		"131072 hidden":  big(func(o *resolve.Op) { o.Hidden = nearDots(o, 131073) }),
		"131072 totals":  big(func(o *resolve.Op) { o.Seen = make([]resolve.Int128, 131073) }),
		"4096 origins":   big(func(o *resolve.Op) { o.Deps = logical.FrontierOf(manyDots(4098)...) }),
		"65536":          big(func(o *resolve.Op) { o.Key = strings.Repeat("k", 65537) }),
		"83886080":       big(func(o *resolve.Op) { o.Value = make([]byte, 80<<20+1) }),
	} {
		limit := strings.Fields(name)[0]
		if _, err := storage.DecodeOp(b); err == nil || !strings.Contains(err.Error(), "limit is "+limit) {
			t.Errorf("beyond %s: %v", name, err)
		}
	}
	fits := big(func(o *resolve.Op) { o.Parents, o.Hidden = nearDots(o, 131072), nearDots(o, 131072) })
	if _, err := storage.DecodeOp(fits); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

// nearDots is dots of o's own origin, which o then depends on.
func nearDots(o *resolve.Op, n int) []logical.Dot {
	o.Dot.Seq = logical.Seq(n + 1)
	o.Deps = logical.FrontierOf(logical.Dot{Origin: o.Dot.Origin, Seq: logical.Seq(n)})
	dots := make([]logical.Dot, n)
	for i := range dots {
		dots[i] = logical.Dot{Origin: o.Dot.Origin, Seq: logical.Seq(i + 1)}
	}
	return dots
}

func manyDots(n int) []logical.Dot {
	dots := make([]logical.Dot, n)
	for i := range dots {
		dots[i] = logical.Dot{Origin: logical.Origin(i + 1), Seq: 1}
	}
	return dots
}
