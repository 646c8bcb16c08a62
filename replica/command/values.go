package command

import (
	"bytes"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
)

// span is a part of a value as clients name it: first and last, below zero
// counted from the end.
type span struct{ first, last int64 }

// within is the part of n units that the stretch covers, from and to (exclusive);
// false: none.
func (s span) within(n int64) (from, to int64, ok bool) {
	if s.first < 0 && s.last < 0 && s.first > s.last {
		return 0, 0, false
	}
	return s.clamped(n)
}

// clamped is within, but that an end before the first unit means that unit even
// where the begin lies behind it.
func (s span) clamped(n int64) (from, to int64, ok bool) {
	if s.first < 0 {
		s.first = max(0, s.first+n)
	}
	if s.last < 0 {
		s.last = max(0, s.last+n)
	}
	s.last = min(s.last, n-1)
	return s.first, s.last + 1, s.first <= s.last
}

func planGetRange(k *server.Call) (batch.Render, error) {
	first, err := k.Int(2)
	if err != nil {
		return nil, err
	}
	last, err := k.Int(3)
	if err != nil {
		return nil, err
	}
	s := span{first, last}
	return readOne(k, showOne(func(w *resp.Writer, value []byte, _ bool) error {
		from, to, ok := s.within(int64(len(value)))
		if !ok {
			from, to = 0, 0
		}
		w.Bulk(value[from:to])
		return nil
	}))
}

func planSetRange(k *server.Call) (batch.Render, error) {
	at, err := k.Int(2)
	switch {
	case err != nil:
		return nil, err
	case at < 0:
		return nil, resp.Error("ERR offset is out of range")
	}
	part, limit, n := k.Bytes(3), k.Config().Limits.Bulk, new(int64)
	return showNoted(n), k.Decide(k.Args[1], edit.WithOne(k.Picks(k.Args[1]), func(_ replica.Present, old []byte, _ bool) (replica.Write, error) {
		if *n = int64(len(old)); len(part) == 0 {
			return edit.Nothing()
		}
		value, err := overlay(old, at, part, limit)
		*n = int64(len(value))
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, err
	}))
}

// overlay is a copy of old with part from at on; zero bytes fill what lies between.
func overlay(old []byte, at int64, part []byte, limit int) ([]byte, error) {
	if at > math.MaxInt64-int64(len(part)) || at+int64(len(part)) > int64(limit) {
		return nil, edit.TooLong(limit)
	}
	value := make([]byte, max(len(old), int(at)+len(part)))
	copy(value, old)
	copy(value[at:], part)
	return value, nil
}

// parseBit reads which bit argument i names. Bit 0 is the highest of the first byte.
func parseBit(k *server.Call, i int) (int64, error) {
	n, ok := resp.ParseInt(k.Args[i])
	if !ok || n < 0 || n>>3 >= int64(k.Config().Limits.Bulk) {
		return 0, resp.Error("ERR bit offset is not an integer or out of range")
	}
	return n, nil
}

// bitAt is bit n of the value; what lies behind it is zero.
func bitAt(value []byte, n int64) int64 {
	if n>>3 >= int64(len(value)) {
		return 0
	}
	return int64(value[n>>3]>>(7-n&7)) & 1
}

func planGetBit(k *server.Call) (batch.Render, error) {
	n, err := parseBit(k, 2)
	if err != nil {
		return nil, err
	}
	return readOne(k, showOne(func(w *resp.Writer, value []byte, _ bool) error {
		w.Int(bitAt(value, n))
		return nil
	}))
}

func planSetBit(k *server.Call) (batch.Render, error) {
	n, err := parseBit(k, 2)
	if err != nil {
		return nil, err
	}
	on, ok := resp.ParseInt(k.Args[3])
	if !ok || on < 0 || on > 1 {
		return nil, resp.Error("ERR bit is not an integer or out of range")
	}
	was := new(int64)
	return showNoted(was), k.Decide(k.Args[1], edit.WithOne(k.Picks(k.Args[1]), func(_ replica.Present, old []byte, _ bool) (replica.Write, error) {
		if *was = bitAt(old, n); *was == on && n>>3 < int64(len(old)) {
			return edit.Nothing() // another's write beside it must not lose to one that changes nothing
		}
		value := make([]byte, max(int64(len(old)), n>>3+1))
		copy(value, old)
		mask := byte(1) << (7 - n&7)
		value[n>>3] = value[n>>3]&^mask | byte(on)*mask
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, nil
	}))
}

type bitRange struct {
	span
	bits  bool
	ended bool // the client named its end
}

// parseBitRange reads a part from argument i on: first, last, and what they count.
func parseBitRange(k *server.Call, i int) (bitRange, error) {
	r := bitRange{span: span{0, -1}}
	n := len(k.Args) - i
	if n > 3 {
		return r, resp.ErrSyntax
	}
	var err error
	if n > 0 {
		r.first, err = k.Int(i)
	}
	if n > 1 && err == nil {
		r.ended = true
		r.last, err = k.Int(i + 1)
	}
	if n > 2 && err == nil {
		r.bits, err = parseBitUnit(k, i+2)
	}
	return r, err
}

// parseBitUnit reads whether argument i says that bits are counted, not bytes.
func parseBitUnit(k *server.Call, i int) (bits bool, err error) {
	if bits = k.Is(i, "BIT"); !bits && !k.Is(i, "BYTE") {
		err = resp.ErrSyntax
	}
	return bits, err
}

// of is which bits of the value the part covers, from and to (exclusive); false:
// none, and from and to mean nothing. Given is the part among as many units.
func (r bitRange) of(value []byte, given func(span, int64) (from, to int64, ok bool)) (from, to int64, ok bool) {
	size := int64(1)
	if !r.bits {
		size = 8
	}
	from, to, ok = given(r.span, int64(len(value))*8/size)
	return from * size, to * size, ok
}

// planBitCount finds no fault with the part of a key that is absent, as Redis 7.0.
func planBitCount(k *server.Call) (batch.Render, error) {
	r, fault := parseBitRange(k, 2)
	if len(k.Args) == 3 {
		fault = resp.ErrSyntax
	}
	return readOne(k, showOne(func(w *resp.Writer, value []byte, there bool) error {
		if there && fault != nil {
			return fault
		}
		n := int64(0)
		if from, to, ok := r.of(value, span.within); ok {
			n = countBits(value, from, to)
		}
		w.Int(n)
		return nil
	}))
}

func countBits(value []byte, from, to int64) (n int64) {
	for ; from < to && from&7 != 0; from++ {
		n += bitAt(value, from)
	}
	for ; from+8 <= to; from += 8 {
		n += int64(bits.OnesCount8(value[from>>3]))
	}
	for ; from < to; from++ {
		n += bitAt(value, from)
	}
	return n
}

func planBitPos(k *server.Call) (batch.Render, error) {
	want, err := k.Int(2)
	switch {
	case err != nil:
		return nil, err
	case want != 0 && want != 1:
		return nil, resp.Error("ERR The bit argument must be 1 or 0.")
	}
	r, fault := parseBitRange(k, 3)
	if _, unit := parseBitUnit(k, len(k.Args)-1); len(k.Args) == 6 && unit != nil {
		if _, ok := resp.ParseInt(k.Args[3]); ok {
			fault = unit // Redis looks at it before the end
		}
	}
	return readOne(k, showOne(func(w *resp.Writer, value []byte, there bool) error {
		switch {
		case !there:
			w.Int(-want) // an absent value is all zeros
			return nil
		case fault != nil:
			return fault
		}
		at := int64(-1)
		if from, to, ok := r.of(value, span.clamped); ok {
			at = findBit(value, from, to, want)
			if at < 0 && want == 0 && !r.ended {
				at = int64(len(value)) * 8 // the zeros behind the value
			}
		}
		w.Int(at)
		return nil
	}))
}

// findBit is where the first bit like want stands from from to to (exclusive); -1:
// nowhere.
func findBit(value []byte, from, to, want int64) int64 {
	skip := byte(0xff * (1 - want)) // a byte without any
	for from < to {
		if from&7 == 0 && from+8 <= to && value[from>>3] == skip {
			from += 8
			continue
		}
		if bitAt(value, from) == want {
			return from
		}
		from++
	}
	return -1
}

const errNotFloat = resp.Error("ERR value is not a valid float")

// floatBits is the mantissa of the numbers that Redis adds, the long double of
// amd64, so that sums come out the same to the last digit.
const floatBits = 64

// maxFloatText is longer than any number that anybody writes; one of a long double's
// range has at most 4,951 digits.
const maxFloatText = 5120

// parseFloat reads a decimal or hexadecimal number. Infinity is one.
func parseFloat(b []byte) (*big.Float, bool) {
	if len(b) > maxFloatText {
		return nil, false
	}
	s, base, strange := strings.ToLower(string(b)), 10, "_p"
	if strings.HasPrefix(strings.TrimLeft(s, "+-"), "0x") {
		base, strange = 0, "_" // whom base 0 would let in
	}
	if strings.ContainsAny(s, strange) {
		return nil, false
	}
	f, _, err := big.ParseFloat(strings.Replace(s, "infinity", "inf", 1), base, floatBits, big.ToNearestEven)
	return f, err == nil && f.MantExp(nil) <= maxExponent && (f.Sign() == 0 || f.MantExp(nil) >= minExponent)
}

// maxExponent and minExponent are a long double's. What is nearer to zero is no number to
// Redis, and would have digits without end here.
const maxExponent, minExponent = 16384, -16444

// formatFloat writes a number as Redis does: seventeen decimals, without the zeros
// at the end.
func formatFloat(f *big.Float) []byte {
	if f.MantExp(nil) < minShown {
		return []byte("0") // found without the thousands of digits behind those that are shown
	}
	b := f.Append(nil, 'f', 17)
	if bytes.IndexByte(b, '.') >= 0 {
		b = bytes.TrimRight(bytes.TrimRight(b, "0"), ".")
	}
	if string(b) == "-0" {
		b = b[1:]
	}
	return b
}

// minShown is far below the exponent of what seventeen decimals show.
const minShown = -100

func planIncrByFloat(k *server.Call) (batch.Render, error) {
	delta, fine := parseFloat(k.Args[2])
	limit, value := k.Config().Limits.Bulk, []byte(nil)
	show := func(w *resp.Writer, _ *batch.Answer) { w.Bulk(value) }
	return show, k.Decide(k.Args[1], edit.WithOne(k.Picks(k.Args[1]), func(_ replica.Present, old []byte, there bool) (replica.Write, error) {
		sum, ok := new(big.Float).SetPrec(floatBits), true
		if there {
			sum, ok = parseFloat(old)
		}
		if !ok || !fine {
			return replica.Write{}, errNotFloat
		}
		if sum.IsInf() || delta.IsInf() {
			return replica.Write{}, errNoNumber
		}
		if sum.Add(sum, delta); sum.MantExp(nil) > maxExponent {
			return replica.Write{}, errNoNumber
		}
		if value = formatFloat(sum); len(value) > limit {
			return replica.Write{}, resp.Error("ERR the number has more than " + strconv.Itoa(limit) + " digits")
		}
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, nil
	}))
}

const errNoNumber = resp.Error("ERR increment would produce NaN or Infinity")
