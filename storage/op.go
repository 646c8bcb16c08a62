package storage

import (
	"math/bits"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// opFormat is the version of this layout:
//
//	format, shape, key, value,
//	origins: 8 bytes each: the op's own, then all others it names, ascending,
//	seq,
//	deps: the places of origins, own first; own left out when it is seq-1; 0: absent
//	wall: earliest, width (see appendWidth),
//	lamport, less one and less the sum of deps,
//	then, each only if shape says so:
//	parents: dot … (see origins.appendDot)
//	prev: back from seq
//	hlc: wall from the interval's midpoint, count
//	client, request
//	hidden, like parents
//	delta, total
//	expires
//	seen: total …
//	inverted
//
// shape is the kind in the lowest three bits, then one bit for each of those
// groups in that order. Differences wrap, so every value has one.
const opFormat = 1

const (
	hasParents = 1 << (3 + iota)
	hasPrev
	hasHLC
	hasRequest
	hasHidden
	hasCount
	hasExpires
	hasSeen
	hasInverted
	opShapes // the first bit beyond
)

// fixedOp is how many elements every op has; groups of two are in pairsOp.
const (
	fixedOp = 10
	pairsOp = hasHLC | hasRequest | hasCount
)

// AppendOp appends op's encoding to dst. The op must pass [CheckOp]; equal ops
// give equal bytes.
func AppendOp(dst []byte, o *resolve.Op) []byte {
	var room [8]logical.Origin
	t := originsOf(o, room[:0])
	shape := shapeOf(o)
	dst = appendArray(dst, opElements(shape))
	dst = append(dst, opFormat)
	dst = appendUint(dst, shape)
	dst = appendKey(dst, o.Key)
	dst = appendBytes(dst, o.Value)
	dst = t.append(dst)
	dst = appendUint(dst, uint64(o.Dot.Seq))
	dst = t.appendDeps(dst, o)
	dst = appendInterval(dst, o.Wall)
	dst = appendInt(dst, int64(o.Lamport-expectLamport(o.Deps)))
	return appendGroups(dst, o, t, shape)
}

// appendGroups writes what only some ops have.
func appendGroups(dst []byte, o *resolve.Op, t origins, shape uint64) []byte {
	if shape&hasParents != 0 {
		dst = t.appendDots(dst, o.Parents, o.Deps)
	}
	if shape&hasPrev != 0 {
		dst = appendInt(dst, int64(o.Dot.Seq-o.Prev))
	}
	if shape&hasHLC != 0 {
		dst = appendHLC(dst, o.HLC, o.Wall)
	}
	if shape&hasRequest != 0 {
		dst = appendUint(appendUint(dst, o.Client), o.Request)
	}
	if shape&hasHidden != 0 {
		dst = t.appendDots(dst, o.Hidden, o.Deps)
	}
	if shape&hasCount != 0 {
		dst = appendInt(appendInt(dst, o.Delta), o.Total)
	}
	if shape&hasExpires != 0 {
		dst = appendInt(dst, int64(o.Expires))
	}
	if shape&hasSeen != 0 {
		dst = appendTotals(dst, o.Seen)
	}
	if shape&hasInverted != 0 {
		dst = appendUint(dst, uint64(o.Inverted))
	}
	return dst
}

// DecodeOp reads what [AppendOp] wrote and nothing else. The op shares no memory
// with b.
func DecodeOp(b []byte) (*resolve.Op, error) {
	o, _, err := decodeOp(b, MaxValue)
	return o, err
}

// decodeOp is DecodeOp with no more than limit bytes of the value, and the size of
// the whole.
func decodeOp(b []byte, limit int) (*resolve.Op, int, error) {
	r := newReader("op", b)
	o := &resolve.Op{}
	elements := r.array("elements of an op", fixedOp+16, 1)
	r.require(r.uint() == opFormat, "the format is not known to this version of the program")
	shape := r.uint()
	r.require(shape < opShapes && elements == opElements(shape), "shape and number of elements do not agree")
	o.Kind = resolve.Kind(shape & 7)
	o.Key = r.key()
	var size int
	o.Value, size = r.begin(limit)
	var room [8]logical.Origin
	t := r.origins(room[:0])
	o.Dot = logical.Dot{Origin: t.at(0), Seq: logical.Seq(r.uint())}
	r.deps(o, t)
	o.Wall = r.interval()
	o.Lamport = expectLamport(o.Deps) + logical.Lamport(r.int())
	r.groups(o, t, shape)
	if err := r.end(); err != nil {
		return nil, 0, err
	}
	if err := r.canonicalOp(o, t, shape); err != nil {
		return nil, 0, err
	}
	return o, size, nil
}

// groups reads what only some ops have.
func (r *reader) groups(o *resolve.Op, t origins, shape uint64) {
	o.HLC = logical.HLC{Wall: int64(o.Wall.Midpoint())}
	if shape&hasParents != 0 {
		o.Parents = r.dots(t, o.Deps)
	}
	if shape&hasPrev != 0 {
		o.Prev = o.Dot.Seq - logical.Seq(r.int())
	}
	if shape&hasHLC != 0 {
		o.HLC = r.hlc(o.Wall)
	}
	if shape&hasRequest != 0 {
		o.Client, o.Request = r.uint(), r.uint()
	}
	if shape&hasHidden != 0 {
		o.Hidden = r.dots(t, o.Deps)
	}
	if shape&hasCount != 0 {
		o.Delta, o.Total = r.int(), r.int()
	}
	if shape&hasExpires != 0 {
		o.Expires = wallclock.Instant(r.int())
	}
	if shape&hasSeen != 0 {
		o.Seen = r.totals()
	}
	if shape&hasInverted != 0 {
		o.Inverted = r.mask()
	}
}

// canonicalOp refuses a group that is there and empty, an origin that nothing
// names, and what CheckOp refuses.
func (r *reader) canonicalOp(o *resolve.Op, t origins, shape uint64) error {
	r.require(shapeOf(o) == shape, "a group is announced and empty")
	var room [8]logical.Origin
	r.require(slices.Equal(originsOf(o, room[:0]), t), "an origin is listed that nothing names")
	if r.err != nil {
		return r.err
	}
	return CheckOp(o)
}

// shapeOf is o's shape.
func shapeOf(o *resolve.Op) uint64 {
	s := uint64(o.Kind)
	s |= flag(len(o.Parents) > 0, hasParents)
	s |= flag(o.Prev != 0, hasPrev)
	s |= flag(o.HLC != logical.HLC{Wall: int64(o.Wall.Midpoint())}, hasHLC)
	s |= flag(o.Client != 0 || o.Request != 0, hasRequest)
	s |= flag(len(o.Hidden) > 0, hasHidden)
	s |= flag(o.Delta != 0 || o.Total != 0, hasCount)
	s |= flag(o.Expires != 0, hasExpires)
	s |= flag(len(o.Seen) > 0, hasSeen)
	s |= flag(o.Inverted != 0, hasInverted)
	return s
}

// opElements is the length of the outer array of an op of that shape.
func opElements(shape uint64) int {
	return fixedOp + bits.OnesCount64(shape>>3) + bits.OnesCount64(shape&pairsOp)
}

func flag(on bool, bit uint64) uint64 {
	if on {
		return bit
	}
	return 0
}

// expectLamport is the stamp of an op whose leader heard all of deps one after
// the other: the greatest that can be, and what most ops are near.
func expectLamport(deps logical.Frontier) logical.Lamport {
	sum := logical.Lamport(1)
	for d := range deps.All() {
		sum += logical.Lamport(d.Seq)
	}
	return sum
}
