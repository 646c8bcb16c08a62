package repair

import (
	"reflect"
	"testing"

	"kvd/logical"
	"kvd/replica/wire"
	"kvd/storage/riblt"
)

func samples() []*message {
	var f logical.Frontier
	f.Advance(logical.Dot{Origin: 3, Seq: 9})
	return []*message{
		{kind: askCompare, id: 1, span: span{seed: seed{1 << 63, 5}, prefix: "\xff", after: "\xff1", to: "\xff2"}, policy: "*=lww", frontier: f},
		{kind: askCompare, id: 2, span: span{open: true}},
		{kind: askMore, id: 1 << 62, from: 4, n: 2},
		{kind: askFetch, keys: []string{"a", "\x00"}, items: []uint64{1, 1 << 63}},
		{kind: tellSymbols, span: span{to: "z"}, symbols: []riblt.Symbol{{Sum: 1, Check: 2, Count: -3}}},
		{kind: tellRows, rows: []row{{key: "k", item: 7, explained: true, object: []byte{}}, {key: "l", large: true, object: []byte("o"), ops: [][]byte{[]byte("x")}}}},
		{kind: tellRefused, why: "because"},
	}
}

func TestMessagesRoundTrip(t *testing.T) {
	for _, m := range samples() {
		b := m.encode()
		got, err := decode(b)
		if m.kind == tellSymbols && err == nil && len(got.symbols) == 0 {
			got.symbols = nil
		}
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v\nis read as\n%+v, %v", m, got, err)
		}
		for n := range b {
			if _, err := decode(b[:n]); err == nil {
				t.Errorf("%d bytes of %d of kind %d were read", n, len(b), m.kind)
			}
		}
	}
}

// FuzzMessage reads any bytes: what is accepted is written alike.
func FuzzMessage(f *testing.F) {
	for _, m := range samples() {
		f.Add(m.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err == nil && string(m.encode()) != string(b) {
			t.Fatalf("%x is written as %x", b, m.encode())
		}
	})
}

// What is largest of each kind fits into a message.
func TestTheLargestFit(t *testing.T) {
	symbols := make([]riblt.Symbol, maxSymbols)
	for i := range symbols {
		symbols[i] = riblt.Symbol{Sum: 1 << 63, Check: 1 << 63, Count: rangeKeys * 2}
	}
	ask := &message{kind: askFetch, items: make([]uint64, maxFetch)}
	for i := range ask.items {
		ask.items[i] = 1 << 63
	}
	for _, m := range []*message{{kind: tellSymbols, symbols: symbols}, ask} {
		if n := len(m.encode()); n > wire.MaxRepair {
			t.Errorf("kind %d takes %d bytes", m.kind, n)
		}
	}
}

func TestTable(t *testing.T) {
	tab := &table{span: span{open: true}}
	for _, k := range []string{"a", "b", "d"} {
		tab.items = append(tab.items, tab.span.seed.item(k, []byte("x")))
		tab.bytes = append(tab.bytes, k...)
		tab.ends = append(tab.ends, uint32(len(tab.bytes)))
	}
	if _, there := tab.itemOf("c"); there || !tab.holds("c", nil) || !tab.holds("b", []byte("x")) || tab.holds("b", nil) || tab.holds("b", []byte("y")) || tab.holds("c", []byte("x")) {
		t.Error("the table does not know what it holds")
	}
	if found := tab.byItem([]uint64{tab.items[2], 5}); found[tab.items[2]] != "d" {
		t.Errorf("found %v", found)
	}
	if tab.cut("c"); len(tab.items) != 2 || tab.span.open || tab.span.has("d") || !tab.span.has("b") {
		t.Errorf("cut to %+v", tab.span)
	}
	if tab.cut("a"); len(tab.items) != 1 {
		t.Errorf("cut to %d keys", len(tab.items))
	}
	for prefix, below := range map[string]string{"": "", "b": "a\xff", "x\x00": "x"} {
		if got := before(prefix); got > prefix || got < below {
			t.Errorf("before %q: %q", prefix, got)
		}
	}
	s := span{prefix: "p", after: "pa", to: "pc"}
	for key, want := range map[string]bool{"p": false, "pa": false, "pb": true, "pc": true, "pd": false, "q": false} {
		if s.has(key) != want {
			t.Errorf("%q in the span: %v", key, !want)
		}
	}
}
