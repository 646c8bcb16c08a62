package command

import (
	"math/bits"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
)

func bitCommands() []server.Command {
	only := spec.KeySpec{First: 1, Last: 1, Step: 1}
	return []server.Command{
		{Name: "getbit", Arity: 3, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "2.2.0", Plan: planGetBit, Summary: "Answers one bit of a value."},
		{Name: "setbit", Arity: 4, Flags: spec.Write, Needs: acl.Read | acl.Write, Keys: only, Since: "2.2.0", Plan: planSetBit, Summary: "Sets one bit of a value. The whole value is what is replicated: of two leaders that set different bits at once, one may lose, as the key's resolver says."},
		{Name: "bitcount", Arity: -2, Flags: spec.Read, Needs: acl.Read, Keys: only, Since: "2.6.0", Plan: planBitCount, Summary: "Counts the bits that are set in a value, or in a part of it."},
		{Name: "bitpos", Arity: -3, Flags: spec.Read, Needs: acl.Read, Keys: only, Since: "2.8.7", Plan: planBitPos, Summary: "Answers where the first bit that is set, or not set, stands in a value."},
	}
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
	return readOne(k, func(w *resp.Writer, value []byte, _ bool) error {
		w.Int(bitAt(value, n))
		return nil
	})
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
	was := &k.Note().Number
	return showComputed, k.Decide(k.Args[1], edit.WithOne(k.Picks(k.Args[1]), func(_ replica.Present, old []byte, _ bool) (replica.Write, error) {
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

// bitRange is a part of a value in bytes or bits.
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
	return readOne(k, func(w *resp.Writer, value []byte, there bool) error {
		if there && fault != nil {
			return fault
		}
		n := int64(0)
		if from, to, ok := r.of(value, span.within); ok {
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
	return readOne(k, func(w *resp.Writer, value []byte, there bool) error {
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
