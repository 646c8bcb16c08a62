package trace

import (
	"encoding/binary"
	"time"

	"kvd/logical"
	"kvd/wallclock"
)

// An event is a set of the fields that are not zero, the kind, and those fields in
// order. Names are numbers of a table, and so are long texts, since they come again.

// Bits of the fields.
const (
	hasWhere = 1 << iota
	hasPeer
	hasLabel
	hasOther
	hasKey
	hasValues
	hasDot
	hasClock
	hasText
	hasDots
)

// table numbers what comes again in the order it is met.
type table[T comparable] struct {
	index map[T]uint64
	list  []T
}

func (n *table[T]) number(s T) uint64 {
	if i, ok := n.index[s]; ok {
		return i
	}
	if n.index == nil {
		n.index = map[T]uint64{}
	}
	i := uint64(len(n.list))
	n.index[s], n.list = i, append(n.list, s)
	return i
}

// fields is which fields of the event are not zero.
func (e *Event) fields() (set uint64) {
	for _, f := range [...]struct {
		there bool
		bit   uint64
	}{
		{e.Where != "", hasWhere}, {e.Peer != "", hasPeer}, {e.Label != "", hasLabel}, {e.Other != "", hasOther}, {e.Key != "", hasKey},
		{e.Values != nil, hasValues}, {!e.Dot.IsZero(), hasDot}, {e.Clock != (wallclock.Interval{}), hasClock}, {e.Text != "", hasText}, {e.Dots != nil, hasDots},
	} {
		if f.there {
			set |= f.bit
		}
	}
	return set
}

// encode appends the event, which follows the one added last.
func (t *Trace) encode(b []byte, e *Event) []byte {
	set := e.fields()
	b = append(binary.AppendUvarint(b, set), byte(e.Kind))
	b = binary.AppendVarint(b, int64(e.At-t.last))
	for _, name := range [...]string{e.Where, e.Peer, e.Label, e.Other, e.Key} {
		if name != "" {
			b = binary.AppendUvarint(b, t.names.number(name))
		}
	}
	if set&hasValues != 0 {
		b = binary.AppendUvarint(b, uint64(len(e.Values)))
		for _, v := range e.Values {
			b = t.text(b, v)
		}
	}
	if set&hasDot != 0 {
		b = binary.AppendUvarint(binary.LittleEndian.AppendUint64(b, uint64(e.Dot.Origin)), uint64(e.Dot.Seq))
	}
	if set&hasClock != 0 {
		b = binary.AppendVarint(b, int64(e.Clock.Earliest))
		b = binary.AppendVarint(b, int64(e.Clock.Latest-e.Clock.Earliest))
	}
	if set&hasText != 0 {
		b = t.text(b, e.Text)
	}
	if set&hasDots != 0 {
		b = binary.AppendUvarint(b, uint64(len(e.Dots)))
		for _, dot := range e.Dots {
			b = binary.AppendUvarint(b, t.origins.number(dot.Origin))
			b = binary.AppendUvarint(b, uint64(dot.Seq))
		}
	}
	return b
}

// maxInline is the length up to which a text is written where it is used.
const maxInline = 40

func (t *Trace) text(b []byte, s string) []byte {
	if len(s) > maxInline {
		return binary.AppendUvarint(b, t.names.number(s)<<1|1)
	}
	return append(binary.AppendUvarint(b, uint64(len(s))<<1), s...)
}

// decoder reads what encode wrote, and nothing else: a trace never leaves memory.
type decoder struct {
	data    []byte
	names   []string
	origins []logical.Origin
	last    time.Duration
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.data)
	d.data = d.data[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.data)
	d.data = d.data[n:]
	return v
}

func (d *decoder) take(n uint64) []byte {
	out := d.data[:n]
	d.data = d.data[n:]
	return out
}

func (d *decoder) text() string {
	v := d.uint()
	if v&1 != 0 {
		return d.names[v>>1]
	}
	return string(d.take(v >> 1))
}

func (d *decoder) event() Event {
	set := d.uint()
	e := Event{Kind: Kind(d.take(1)[0])}
	d.last += time.Duration(d.int())
	e.At = d.last
	for i, name := range [...]*string{&e.Where, &e.Peer, &e.Label, &e.Other, &e.Key} {
		if set&(hasWhere<<i) != 0 {
			*name = d.names[d.uint()]
		}
	}
	if set&hasValues != 0 {
		e.Values = make([]string, d.uint())
		for i := range e.Values {
			e.Values[i] = d.text()
		}
	}
	if set&hasDot != 0 {
		e.Dot.Origin = logical.Origin(binary.LittleEndian.Uint64(d.take(8)))
		e.Dot.Seq = logical.Seq(d.uint())
	}
	if set&hasClock != 0 {
		e.Clock.Earliest = wallclock.Instant(d.int())
		e.Clock.Latest = e.Clock.Earliest + wallclock.Instant(d.int())
	}
	if set&hasText != 0 {
		e.Text = d.text()
	}
	if set&hasDots != 0 {
		e.Dots = make([]logical.Dot, d.uint())
		for i := range e.Dots {
			e.Dots[i] = logical.Dot{Origin: d.origins[d.uint()], Seq: logical.Seq(d.uint())}
		}
	}
	return e
}
