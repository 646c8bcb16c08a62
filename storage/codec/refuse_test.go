package codec_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
	"kvd/wallclock"
)

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
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		n := codectest.Allocated(func() {
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

// refused is what every decoder of a hot encoding says of b.
func refused(b []byte) []error {
	_, op := codec.DecodeOp(b)
	_, object := codec.DecodeObject(b)
	return []error{op, object}
}

// TestNotCanonical changes an encoding so that a lenient reader would take it
// for the same value.
func TestNotCanonical(t *testing.T) {
	plain := &resolve.Op{Dot: logical.Dot{Origin: 1, Seq: 1}, Key: "k", Kind: resolve.Put, Value: []byte("v"), Wall: wallclock.Around(5, 0), HLC: logical.HLC{Wall: 5}}
	b := codec.AppendOp(nil, plain)
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
		if o, err := codec.DecodeOp(changed); err == nil {
			t.Errorf("%s: %x was accepted as %+v", name, changed, o)
		}
	}
}

// TestEmptyGroups announces groups that hold what is understood without them.
func TestEmptyGroups(t *testing.T) {
	const op, version = "a16bc40176c408000000000000000101" + "900500ff", "7f0101c0000000"
	for name, h := range map[string]string{
		"prev":     "9b0111" + op + "01",
		"parents":  "9b0109" + op + "90",
		"hlc":      "9c0121" + op + "0000",
		"request":  "9c0141" + op + "0000",
		"count":    "9c01cd0101" + op + "0000",
		"seen":     "9b01cd0401" + op + "90",
		"inverted": "9b01cd0801" + op + "00",
		"total":    "9301a0" + "9911" + version + "00",
		"base":     "9301a0" + "9a21" + version + "0100",
		"voids":    "9301a0" + "9941" + version + "90",
		"expires":  "9301a0" + "99cc81" + version + "00",
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
		if o, err := codec.DecodeOp(b); err == nil {
			t.Errorf("%s: accepted as %+v", name, o)
		}
	}
	for tail, want := range map[string]logical.Seq{"00" + "91" + "01": 3, "00" + "91" + "920009": 9} {
		b, _ := hex.DecodeString(op + tail)
		o, err := codec.DecodeOp(b)
		if err != nil || o.Parents[0].Seq != want {
			t.Errorf("%s: %+v, %v", tail, o, err)
		}
	}
}

// TestLimits: beyond a limit the decoder refuses what an encoder without them
// would write.
func TestLimits(t *testing.T) {
	big := func(change func(*resolve.Op)) []byte {
		op := codectest.TypicalOp()
		change(op)
		return codec.AppendOp(nil, op)
	}
	for name, b := range map[string][]byte{
		"131072 parents": big(func(o *resolve.Op) { o.Parents = nearDots(o, 131073) }),
		"131072 hidden":  big(func(o *resolve.Op) { o.Hidden = nearDots(o, 131073) }),
		"131072 totals":  big(func(o *resolve.Op) { o.Seen = make([]number.Int128, 131073) }),
		"4096 origins":   big(func(o *resolve.Op) { o.Deps = logical.FrontierOf(manyDots(4098)...) }),
		"65536":          big(func(o *resolve.Op) { o.Key = strings.Repeat("k", 65537) }),
		"83886080":       big(func(o *resolve.Op) { o.Value = make([]byte, 80<<20+1) }),
	} {
		limit := strings.Fields(name)[0]
		if _, err := codec.DecodeOp(b); err == nil || !strings.Contains(err.Error(), "limit is "+limit) {
			t.Errorf("beyond %s: %v", name, err)
		}
	}
	fits := big(func(o *resolve.Op) { o.Parents, o.Hidden = nearDots(o, 131072), nearDots(o, 131072) })
	if _, err := codec.DecodeOp(fits); err != nil {
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
