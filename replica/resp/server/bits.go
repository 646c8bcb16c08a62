package server

import (
	"math/bits"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
)

func bitCommands() []command {
	only := keySpec{1, 1, 1}
	return []command{
		{name: "getbit", arity: 3, flags: read | fast, needs: acl.Read, keys: only, since: "2.2.0", plan: planGetBit, summary: "Answers one bit of a value."},
		{name: "setbit", arity: 4, flags: write, needs: acl.Read | acl.Write, keys: only, since: "2.2.0", plan: planSetBit, summary: "Sets one bit of a value. The whole value is what is replicated: of two leaders that set different bits at once, one may lose, as the key's resolver says."},
		{name: "bitcount", arity: -2, flags: read, needs: acl.Read, keys: only, since: "2.6.0", plan: planBitCount, summary: "Counts the bits that are set in a value, or in a part of it."},
		{name: "bitpos", arity: -3, flags: read, needs: acl.Read, keys: only, since: "2.8.7", plan: planBitPos, summary: "Answers where the first bit that is set, or not set, stands in a value."},
	}
}

// bit reads which bit argument i names. Bit 0 is the highest of the first byte.
func (k *call) bit(i int) (int64, error) {
	n, ok := resp.ParseInt(k.args[i])
	if !ok || n < 0 || n>>3 >= int64(k.srv.cfg.Limits.Bulk) {
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

func planGetBit(k *call) (render, error) {
	n, err := k.bit(2)
	if err != nil {
		return nil, err
	}
	return k.read(func(w *resp.Writer, value []byte, _ bool) error {
		w.Int(bitAt(value, n))
		return nil
	})
}

func planSetBit(k *call) (render, error) {
	n, err := k.bit(2)
	if err != nil {
		return nil, err
	}
	on, ok := resp.ParseInt(k.args[3])
	if !ok || on < 0 || on > 1 {
		return nil, resp.Error("ERR bit is not an integer or out of range")
	}
	pick := k.picks(k.args[1])
	return k.compute(k.args[1], func(p replica.Present, was *int64) (replica.Write, error) {
		old, err := theOne(p.Reading, pick)
		if err != nil {
			return replica.Write{}, err
		}
		if *was = bitAt(old, n); *was == on && n>>3 < int64(len(old)) {
			return nothing() // another's write beside it must not lose to one that changes nothing
		}
		value := make([]byte, max(int64(len(old)), n>>3+1))
		copy(value, old)
		mask := byte(1) << (7 - n&7)
		value[n>>3] = value[n>>3]&^mask | byte(on)*mask
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, nil
	})
}

// bitRange is a part of a value in bytes or bits.
type bitRange struct {
	stretch
	bits  bool
	ended bool // the client named its end
}

// bitRange reads a part from argument i on: first, last, and what they count.
func (k *call) bitRange(i int) (bitRange, error) {
	r := bitRange{stretch: stretch{0, -1}}
	n := len(k.args) - i
	if n > 3 {
		return r, resp.ErrSyntax
	}
	var err error
	if n > 0 {
		r.first, err = k.int(i)
	}
	if n > 1 && err == nil {
		r.ended = true
		r.last, err = k.int(i + 1)
	}
	if n > 2 && err == nil {
		r.bits, err = k.bitUnit(i + 2)
	}
	return r, err
}

// bitUnit reads whether argument i says that bits are counted, not bytes.
func (k *call) bitUnit(i int) (bits bool, err error) {
	if bits = k.is(i, "BIT"); !bits && !k.is(i, "BYTE") {
		err = resp.ErrSyntax
	}
	return bits, err
}

// of is which bits of the value the part covers, from and to (exclusive); false:
// none, and from and to mean nothing. Given is the part among as many units.
func (r bitRange) of(value []byte, given func(stretch, int64) (from, to int64, ok bool)) (from, to int64, ok bool) {
	size := int64(1)
	if !r.bits {
		size = 8
	}
	from, to, ok = given(r.stretch, int64(len(value))*8/size)
	return from * size, to * size, ok
}

// planBitCount finds no fault with the part of a key that is absent, as Redis 7.0.
func planBitCount(k *call) (render, error) {
	r, fault := k.bitRange(2)
	if len(k.args) == 3 {
		fault = resp.ErrSyntax
	}
	return k.read(func(w *resp.Writer, value []byte, there bool) error {
		if there && fault != nil {
			return fault
		}
		n := int64(0)
		if from, to, ok := r.of(value, stretch.within); ok {
			n = countBits(value, from, to)
		}
		w.Int(n)
		return nil
	})
}

// countBits counts the bits set from from to to (exclusive).
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

func planBitPos(k *call) (render, error) {
	want, err := k.int(2)
	switch {
	case err != nil:
		return nil, err
	case want != 0 && want != 1:
		return nil, resp.Error("ERR The bit argument must be 1 or 0.")
	}
	r, fault := k.bitRange(3)
	if _, unit := k.bitUnit(len(k.args) - 1); len(k.args) == 6 && unit != nil {
		if _, ok := resp.ParseInt(k.args[3]); ok {
			fault = unit // Redis looks at it before the end
		}
	}
	return k.read(func(w *resp.Writer, value []byte, there bool) error {
		switch {
		case !there:
			w.Int(-want) // an absent value is all zeros
			return nil
		case fault != nil:
			return fault
		}
		at := int64(-1)
		if from, to, ok := r.of(value, stretch.clamped); ok {
			at = findBit(value, from, to, want)
			if at < 0 && want == 0 && !r.ended {
				at = int64(len(value)) * 8 // the zeros behind the value
			}
		}
		w.Int(at)
		return nil
	})
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
