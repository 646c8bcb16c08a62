package codec

import (
	"math/bits"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// The formats of ops share one layout:
//
//	format, shape, panel (from format 3 on), key, value,
//	origins: 8 bytes each: the op's own, then all others it names, ascending,
//	seq,
//	deps: the seqs of origins, own first; own left out when it is seq-1; 0: absent
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
//	stated: hlc as above, dot
//	ended: at, wall: earliest, width, hlc as above from that, lamport
//	unseen, like parents
//	settles: dot
//
// shape is the kind in the lowest three bits, then one bit for each of those
// groups in that order. Differences wrap, so every value has one. Format 3 is for
// ops that say who judged them, and format 4 for those among them that settle a dot.
// Format 2 has no panel and nothing unseen; format 1 knows neither touches nor what
// follows inverted, and what needs none of them is written in it.
const (
	firstOpFormat = 1
	noPanelFormat = 2
	OpFormat      = 3 // what sums of logs are over
	settlesFormat = 4
)

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
	hasStated
	hasEnded
	hasUnseen
	hasSettles
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
	shape := shapeOf(o)
	dst = append(appendOpHead(dst, o, shape), o.Value...)
	return appendOpTail(dst, o, shape)
}

// SplitOp is op's encoding in three parts, of which the second is its value, not
// copied: for who writes large ones.
func SplitOp(o *resolve.Op) (head, value, tail []byte) {
	shape := shapeOf(o)
	return appendOpHead(nil, o, shape), o.Value, appendOpTail(nil, o, shape)
}

// appendOpHead writes all that stands before the value's bytes.
func appendOpHead(dst []byte, o *resolve.Op, shape uint64) []byte {
	format := formatOf(o, shape)
	dst = AppendArray(dst, opElements(shape, format))
	dst = append(dst, format)
	dst = AppendUint(dst, shape)
	if format >= OpFormat {
		dst = AppendUint(dst, uint64(o.Panel))
	}
	dst = AppendKey(dst, o.Key)
	if o.Value == nil {
		return append(dst, mNil)
	}
	return AppendBinHeader(dst, len(o.Value))
}

// appendOpTail writes all that stands behind the value.
func appendOpTail(dst []byte, o *resolve.Op, shape uint64) []byte {
	var scratch [8]logical.Origin
	t := originsOf(o, scratch[:0])
	dst = t.append(dst)
	dst = AppendUint(dst, uint64(o.Dot.Seq))
	dst = t.appendDeps(dst, o)
	dst = AppendInterval(dst, o.Wall)
	dst = AppendInt(dst, int64(o.Lamport-expectLamport(o.Deps)))
	return appendGroups(dst, o, t, shape)
}

// appendGroups writes what only some ops have.
func appendGroups(dst []byte, o *resolve.Op, t origins, shape uint64) []byte {
	if shape&hasParents != 0 {
		dst = t.appendDots(dst, o.Parents, o.Deps)
	}
	if shape&hasPrev != 0 {
		dst = AppendInt(dst, int64(o.Dot.Seq-o.Prev))
	}
	if shape&hasHLC != 0 {
		dst = AppendHLC(dst, o.HLC, o.Wall)
	}
	if shape&hasRequest != 0 {
		dst = AppendUint(AppendUint(dst, o.Client), o.Request)
	}
	if shape&hasHidden != 0 {
		dst = t.appendDots(dst, o.Hidden, o.Deps)
	}
	if shape&hasCount != 0 {
		dst = appendInt128(appendInt128(dst, o.Delta), o.Total)
	}
	if shape&hasExpires != 0 {
		dst = AppendInt(dst, int64(o.Expires))
	}
	if shape&hasSeen != 0 {
		dst = appendTotals(dst, o.Seen)
	}
	if shape&hasInverted != 0 {
		dst = AppendUint(dst, uint64(o.Inverted))
	}
	if shape&hasStated != 0 {
		dst = AppendDot(AppendHLC(dst, o.Stated.HLC, o.Wall), o.Stated.By)
	}
	if shape&hasEnded != 0 {
		dst = AppendInterval(AppendInt(dst, int64(o.Expired.At)), o.Expired.Wall)
		dst = AppendUint(AppendHLC(dst, o.Expired.HLC, o.Expired.Wall), uint64(o.Expired.Lamport))
	}
	if shape&hasUnseen != 0 {
		dst = t.appendDots(dst, o.Unseen, o.Deps)
	}
	if shape&hasSettles != 0 {
		dst = AppendDot(dst, o.Settles)
	}
	return dst
}

// DecodeOp reads what [AppendOp] wrote and nothing else. The op shares no memory
// with b.
func DecodeOp(b []byte) (*resolve.Op, error) {
	o, _, err := DecodeBriefOp(b, MaxValue)
	return o, err
}

// DecodeOwnOp is DecodeOp of bytes that are the op's from now on: its value is not
// copied.
func DecodeOwnOp(b []byte) (*resolve.Op, error) {
	r := NewReader("op", b)
	r.owns = true
	o, _, err := r.op(MaxValue)
	return o, err
}

// DecodeBriefOp is DecodeOp with no more than limit bytes of the value, and the size of
// the whole value, in bytes.
func DecodeBriefOp(b []byte, limit int) (op *resolve.Op, size int, err error) {
	r := NewReader("op", b)
	return r.op(limit)
}

// SameOp reports whether two ops are stored alike.
func SameOp(a, b *resolve.Op) bool {
	return string(AppendOp(nil, a)) == string(AppendOp(nil, b))
}

func (r *Reader) op(limit int) (*resolve.Op, int, error) {
	o := &resolve.Op{}
	elements := r.Array("elements of an op", fixedOp+27, 1)
	format := r.Uint()
	r.Require(format >= firstOpFormat && format <= settlesFormat, "the format is not known to this version of the program")
	shape := r.Uint()
	r.Require(shape < opShapes && elements == opElements(shape, byte(format)), "shape and number of elements do not agree")
	o.Kind = resolve.Kind(shape & 7)
	if format >= OpFormat {
		o.Panel = r.Mask()
	}
	r.Require(format == uint64(formatOf(o, shape)), "the format is not that of its shape and panel")
	o.Key = r.Key()
	var size int
	o.Value, size = r.prefix(limit)
	var scratch [8]logical.Origin
	t := r.origins(scratch[:0])
	o.Dot = logical.Dot{Origin: t.at(0), Seq: logical.Seq(r.Uint())}
	r.deps(o, t)
	o.Wall = r.Interval()
	o.Lamport = expectLamport(o.Deps) + logical.Lamport(r.Int())
	r.groups(o, t, shape)
	if err := r.End(); err != nil {
		return nil, 0, err
	}
	if err := r.canonicalOp(o, t, shape); err != nil {
		return nil, 0, err
	}
	return o, size, nil
}

// groups reads what only some ops have.
func (r *Reader) groups(o *resolve.Op, t origins, shape uint64) {
	o.HLC = logical.HLC{Wall: int64(o.Wall.Midpoint())}
	if shape&hasParents != 0 {
		o.Parents = r.dots(t, o.Deps)
	}
	if shape&hasPrev != 0 {
		o.Prev = o.Dot.Seq - logical.Seq(r.Int())
	}
	if shape&hasHLC != 0 {
		o.HLC = r.HLC(o.Wall)
	}
	if shape&hasRequest != 0 {
		o.Client, o.Request = r.Uint(), r.Uint()
	}
	if shape&hasHidden != 0 {
		o.Hidden = r.dots(t, o.Deps)
	}
	if shape&hasCount != 0 {
		o.Delta, o.Total = r.int128(), r.int128()
	}
	if shape&hasExpires != 0 {
		o.Expires = wallclock.Instant(r.Int())
	}
	if shape&hasSeen != 0 {
		o.Seen = r.totals()
	}
	if shape&hasInverted != 0 {
		o.Inverted = r.Mask()
	}
	if shape&hasStated != 0 {
		o.Stated.HLC = r.HLC(o.Wall)
		o.Stated.By = r.Dot()
	}
	if shape&hasEnded != 0 {
		e := &resolve.Expiry{At: wallclock.Instant(r.Int()), Wall: r.Interval()}
		e.HLC, e.Lamport = r.HLC(e.Wall), logical.Lamport(r.Uint())
		o.Expired = e
	}
	if shape&hasUnseen != 0 {
		o.Unseen = r.dots(t, o.Deps)
	}
	if shape&hasSettles != 0 {
		o.Settles = r.Dot()
	}
}

// canonicalOp refuses a group that is there and empty, an origin that nothing
// names, and what CheckOp refuses.
func (r *Reader) canonicalOp(o *resolve.Op, t origins, shape uint64) error {
	r.Require(shapeOf(o) == shape, "a group is announced and empty")
	var scratch [8]logical.Origin
	r.Require(slices.Equal(originsOf(o, scratch[:0]), t), "an origin is listed that nothing names")
	if r.err != nil {
		return r.err
	}
	return CheckOp(o)
}

// shapeOf is o's shape.
func shapeOf(o *resolve.Op) uint64 {
	s := uint64(o.Kind)
	s |= Flag(len(o.Parents) > 0, hasParents)
	s |= Flag(o.Prev != 0, hasPrev)
	s |= Flag(o.HLC != logical.HLC{Wall: int64(o.Wall.Midpoint())}, hasHLC)
	s |= Flag(o.Client != 0 || o.Request != 0, hasRequest)
	s |= Flag(len(o.Hidden) > 0, hasHidden)
	s |= Flag(!o.Delta.IsZero() || !o.Total.IsZero(), hasCount)
	s |= Flag(o.Expires != 0, hasExpires)
	s |= Flag(len(o.Seen) > 0, hasSeen)
	s |= Flag(o.Inverted != 0, hasInverted)
	s |= Flag(o.Stated != resolve.Stamp{}, hasStated)
	s |= Flag(o.Expired != nil, hasEnded)
	s |= Flag(len(o.Unseen) > 0, hasUnseen)
	s |= Flag(o.Settles != logical.Dot{}, hasSettles)
	return s
}

// formatOf is the version that o is written in.
func formatOf(o *resolve.Op, shape uint64) byte {
	switch {
	case shape&hasSettles != 0:
		return settlesFormat
	case o.Panel != 0:
		return OpFormat
	case shape >= hasStated || o.Kind == resolve.Touch:
		return noPanelFormat
	}
	return firstOpFormat
}

// opElements is the length of the outer array of an op of that shape.
func opElements(shape uint64, format byte) int {
	n := fixedOp + bits.OnesCount64(shape>>3) + bits.OnesCount64(shape&pairsOp) + 3*bits.OnesCount64(shape&hasStated) + 5*bits.OnesCount64(shape&hasEnded) + bits.OnesCount64(shape&hasSettles)
	if format >= OpFormat {
		n++
	}
	return n
}

// Flag is bit if on, else zero.
func Flag(on bool, bit uint64) uint64 {
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
