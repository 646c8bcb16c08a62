package riblt

import (
	"encoding/binary"
	"errors"
	"math"
)

// Key makes checks differ from comparison to comparison. Draw it at random.
type Key uint64

// Symbol is one coded symbol.
type Symbol struct {
	Sum   uint64 // exclusive or of the items
	Check uint64 // exclusive or of their checks
	Count int64  // how many they are; of a difference it may be below zero
}

// MaxSymbolBytes is how much a symbol takes at most when it is written.
const MaxSymbolBytes = 16 + binary.MaxVarintLen64

// Symbols appends to dst the symbols from up to but without to of the set of items, in
// which none comes twice. It takes time in proportion to the items and the logarithm of to.
func Symbols(dst []Symbol, items []uint64, key Key, from, to int) []Symbol {
	start := len(dst)
	dst = append(dst, make([]Symbol, max(0, to-from))...)
	for _, item := range items {
		check := key.check(item)
		for p := key.places(item); p.at < to; p.next() {
			if p.at >= from {
				dst[start+p.at-from].apply(item, check, 1)
			}
		}
	}
	return dst
}

// apply adds an item as often as n says; it is its own inverse but for the count.
func (s *Symbol) apply(item, check uint64, n int64) {
	s.Sum ^= item
	s.Check ^= check
	s.Count += n
}

func (s *Symbol) isZero() bool { return *s == Symbol{} }

// check tells a single item from a sum of several.
func (k Key) check(item uint64) uint64 { return mix(mix(item^uint64(k)) + golden) }

// places is where an item is, one after the other. The first place is 0.
type places struct {
	at    int
	state uint64
}

func (k Key) places(item uint64) places { return places{state: mix(item + uint64(k))} }

// lastPlace is beyond every place that anybody asks for.
const lastPlace = math.MaxInt32

// next goes to the next place. An item is in symbol i with probability 1/(1+i/2): the
// distance to the next place is drawn by inverting that (section 4.2 of the paper).
func (p *places) next() {
	p.state += golden
	r := mix(p.state) >> 32
	gap := float64(float64(p.at)+1.5) * float64((1<<32)/math.Sqrt(float64(r<<32)+1)-1)
	if gap >= lastPlace-float64(p.at) {
		p.at = lastPlace
		return
	}
	p.at += max(1, int(math.Ceil(gap)))
}

const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Append writes symbols: of each its sum, its check, and its count as a variable-length
// number.
func Append(dst []byte, symbols []Symbol) []byte {
	for i := range symbols {
		dst = binary.BigEndian.AppendUint64(dst, symbols[i].Sum)
		dst = binary.BigEndian.AppendUint64(dst, symbols[i].Check)
		dst = binary.AppendVarint(dst, symbols[i].Count)
	}
	return dst
}

var errMalformed = errors.New("symbols end early, or counts are not written in the fewest bytes")

// Read reads what [Append] wrote, and nothing else.
func Read(b []byte) ([]Symbol, error) {
	out := make([]Symbol, 0, len(b)/17)
	for len(b) > 0 {
		if len(b) < 17 {
			return nil, errMalformed
		}
		count, n := binary.Varint(b[16:])
		if n <= 0 || n > 1 && b[15+n] == 0 {
			return nil, errMalformed
		}
		out = append(out, Symbol{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), count})
		b = b[16+n:]
	}
	return out, nil
}
