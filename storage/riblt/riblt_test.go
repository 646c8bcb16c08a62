package riblt

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// drawn is two sets that share common items and differ in as many as given.
func drawn(rng *rand.Rand, common, mine, theirs int) (a, b, onlyA, onlyB []uint64) {
	item := func() uint64 { return rng.Uint64() }
	for range common {
		x := item()
		a, b = append(a, x), append(b, x)
	}
	for range mine {
		onlyA = append(onlyA, item())
	}
	for range theirs {
		onlyB = append(onlyB, item())
	}
	return append(a, onlyA...), append(b, onlyB...), onlyA, onlyB
}

// reconcile gives symbol after symbol until all is known.
func reconcile(t *testing.T, a, b []uint64, key Key, limit int) *Decoder {
	t.Helper()
	d := NewDecoder(key)
	mine, theirs := Symbols(nil, a, key, 0, limit), Symbols(nil, b, key, 0, limit)
	for i := range limit {
		done, err := d.Add(mine[i:i+1], theirs[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return d
		}
	}
	t.Fatalf("%d symbols are not enough", limit)
	return nil
}

func sorted(s []uint64) []uint64 { return slices.Sorted(slices.Values(s)) }

// Any two sets reconcile, by about as many symbols as the paper says and in no more than
// 60 bytes a difference.
func TestSetsReconcile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		mine, theirs, rounds int
		most                 float64 // symbols a difference, on average
	}{{0, 0, 3, 0}, {1, 0, 20, 1}, {0, 1, 20, 1}, {1, 1, 200, 1.9}, {3, 2, 100, 1.9}, {20, 12, 30, 1.75}, {0, 100, 8, 1.65}, {300, 200, 1, 1.5}} {
		symbols, bytes := 0, 0
		for range c.rounds {
			key := Key(rng.Uint64())
			a, b, onlyA, onlyB := drawn(rng, 300, c.mine, c.theirs)
			d := reconcile(t, a, b, key, 20+4*(c.mine+c.theirs))
			if !slices.Equal(sorted(d.Mine()), sorted(onlyA)) || !slices.Equal(sorted(d.Theirs()), sorted(onlyB)) {
				t.Fatalf("%d and %d differ: found %d and %d", c.mine, c.theirs, len(d.Mine()), len(d.Theirs()))
			}
			symbols += d.Len()
			bytes += len(Append(nil, Symbols(nil, b, key, 0, d.Len())))
		}
		n := c.rounds * (c.mine + c.theirs)
		if n == 0 {
			if symbols != c.rounds {
				t.Errorf("equal sets take %d symbols in %d rounds", symbols, c.rounds)
			}
			continue
		}
		t.Logf("%4d differences: %.2f symbols, %.1f bytes each", c.mine+c.theirs, float64(symbols)/float64(n), float64(bytes)/float64(n))
		if float64(symbols) > c.most*float64(n) || bytes > 60*n {
			t.Errorf("%d differences take %.2f symbols and %.1f bytes each, want at most %.2f and 60", c.mine+c.theirs, float64(symbols)/float64(n), float64(bytes)/float64(n), c.most)
		}
	}
}

// It does not matter in which portions symbols are made and added.
func TestPortions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	a, b, onlyA, onlyB := drawn(rng, 100, 9, 7)
	key := Key(rng.Uint64())
	whole := Symbols(nil, a, key, 0, 64)
	var parts []Symbol
	d := NewDecoder(key)
	for from, to := 0, 3; from < 64; from, to = to, min(64, 2*to) {
		p := Symbols(nil, a, key, from, to)
		parts = append(parts, p...)
		done, err := d.Add(p, Symbols(nil, b, key, from, to))
		if err != nil {
			t.Fatal(err)
		}
		if done && (!slices.Equal(sorted(d.Mine()), sorted(onlyA)) || !slices.Equal(sorted(d.Theirs()), sorted(onlyB))) {
			t.Fatalf("found %x and %x", d.Mine(), d.Theirs())
		}
	}
	if !slices.Equal(whole, parts) {
		t.Error("symbols depend on the portions that they are made in")
	}
	if len(d.Mine()) != 9 {
		t.Errorf("found %d of 9", len(d.Mine()))
	}
}

// A decoder without symbols knows nothing, and one with another key never ends well.
func TestNothingIsTakenForGranted(t *testing.T) {
	d := NewDecoder(1)
	if done, err := d.Add(nil, nil); done || err != nil {
		t.Errorf("no symbols: %v %v", done, err)
	}
	if _, err := d.Add(make([]Symbol, 1), nil); !errors.Is(err, ErrContradiction) {
		t.Errorf("of one set alone: %v", err)
	}
	items := []uint64{1, 2, 3}
	d = NewDecoder(2)
	if done, _ := d.Add(Symbols(nil, items, 7, 0, 50), make([]Symbol, 50)); done {
		t.Error("decoded with another key")
	}
}

// Symbols that belong to no set end in an error or in the wish for more, never in a loop.
func TestHostileSymbols(t *testing.T) {
	key := Key(9)
	one := func(item uint64, n int64) Symbol { return Symbol{item, key.check(item), n} }
	const n = 16
	everywhere := make([]Symbol, n) // each seems to hold the same item alone
	alternating := make([]Symbol, n)
	for i := range everywhere {
		everywhere[i] = one(5, 1)
		alternating[i] = one(uint64(i+1), 1-int64(i%2)*2)
	}
	for name, s := range map[string][]Symbol{"everywhere": everywhere, "alternating": alternating} {
		d := NewDecoder(key)
		if done, err := d.Add(s, make([]Symbol, n)); done || !errors.Is(err, ErrContradiction) {
			t.Errorf("%s: %v %v", name, done, err)
		}
		if _, err := d.Add(s, s); !errors.Is(err, ErrContradiction) {
			t.Errorf("%s: an error is forgotten: %v", name, err)
		}
	}
}

func TestSymbolsAreWrittenAndRead(t *testing.T) {
	want := append(Symbols(nil, []uint64{1, 2, 1 << 63}, 4, 0, 9), Symbol{1, 2, -1 << 63}, Symbol{3, 4, 1<<63 - 1})
	b := Append(nil, want)
	if got, err := Read(b); err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v, %v", got, err)
	}
	if len(b) > len(want)*MaxSymbolBytes {
		t.Errorf("%d bytes for %d symbols", len(b), len(want))
	}
	if _, err := Read(b[:len(b)-1]); err == nil {
		t.Error("a symbol that ends early was read")
	}
	if _, err := Read(append(make([]byte, 16), 0x80, 0)); err == nil {
		t.Error("a count in more bytes than it needs was read")
	}
}

// FuzzDecoder gives a decoder whatever bytes there are, against a set of its own.
func FuzzDecoder(f *testing.F) {
	f.Add(Append(nil, Symbols(nil, []uint64{1, 2, 3, 9}, 3, 0, 8)))
	f.Add(Append(nil, make([]Symbol, 3)))
	f.Fuzz(func(t *testing.T, b []byte) {
		theirs, err := Read(b)
		if err != nil || len(theirs) > 256 {
			return
		}
		if again := Append(nil, theirs); string(again) != string(b) {
			t.Fatalf("%x is read and written as %x", b, again)
		}
		d := NewDecoder(3)
		mine := Symbols(nil, []uint64{1, 2, 3, 4}, 3, 0, len(theirs))
		done, err := d.Add(mine, theirs)
		if len(d.Mine())+len(d.Theirs()) > len(theirs)+1 {
			t.Fatalf("%d symbols gave %d items", len(theirs), len(d.Mine())+len(d.Theirs()))
		}
		if !done || err != nil {
			return
		}
		set := map[uint64]bool{1: true, 2: true, 3: true, 4: true}
		for _, x := range d.Mine() {
			set[x] = !set[x]
		}
		left := Symbols(nil, d.Theirs(), 3, 0, len(theirs))
		for i, s := range Symbols(nil, d.Mine(), 3, 0, len(theirs)) {
			left[i].apply(s.Sum, s.Check, -s.Count)
		}
		for i := range left {
			left[i] = Symbol{mine[i].Sum ^ left[i].Sum, mine[i].Check ^ left[i].Check, mine[i].Count + left[i].Count}
		}
		if !slices.Equal(left, theirs) {
			t.Fatal("what was found does not account for the symbols")
		}
	})
}
