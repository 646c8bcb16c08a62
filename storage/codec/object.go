package codec

import (
	"errors"
	"math/bits"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// objectFormat is the version of this layout:
//
//	format, key, true if duplicates (else left out), version …
//
// Each version is an array:
//
//	shape, mask, origin, seq, value, wall: earliest, width,
//	lamport, less seq,
//	then, each only if shape says so:
//	hlc: wall from the interval's midpoint, count
//	total
//	base: how far its seq is behind, total
//	voids: [how far its seq is behind, delta …]
//	expires
//	touched: hlc as above, dot
//	ends: [how far its seq is behind, expires less the version's, hlc as above, dot …]
//
// shape is the kind in the lowest three bits, then one bit for each of those
// groups in that order. Ends are left out where they are what a version's own op
// states of its share, and nothing else does.
//
// Format 1 knows neither of the last two groups, and what needs none of them is
// written in it, unless it is a share with a deadline: in format 1 every share's
// deadline was its own, and a share without one kept the counter for ever.
const (
	firstObjectFormat = 1
	objectFormat      = 2
)

const (
	verHLC = 1 << (3 + iota)
	verTotal
	verBase
	verVoids
	verExpires
	verTouched
	verEnds
	verShapes // the first bit beyond
)

// fixedVersion is how many elements every version has; groups of two are in
// pairsVersion.
const (
	fixedVersion = 8
	pairsVersion = verHLC | verBase
)

// AppendObject appends o's encoding to dst. Equal objects give equal bytes.
// Versions must be sorted by dot.
func AppendObject(dst []byte, o *resolve.Object) []byte { return AppendObjectAs(dst, o.Key, o) }

// AppendObjectAs is AppendObject with another key. A stored object has its key in the
// storage key, and an empty one here.
func AppendObjectAs(dst []byte, key string, o *resolve.Object) []byte {
	n := 2 + len(o.Versions)
	if o.Duplicates {
		n++
	}
	dst = AppendArray(dst, n)
	dst = append(dst, objectFormatOf(o))
	dst = AppendKey(dst, key)
	if o.Duplicates {
		dst = append(dst, mTrue)
	}
	for i := range o.Versions {
		dst = appendVersion(dst, &o.Versions[i])
	}
	return dst
}

func appendVersion(dst []byte, v *resolve.Version) []byte {
	shape := versionShape(v)
	dst = AppendArray(dst, versionElements(shape))
	dst = AppendUint(dst, shape)
	dst = AppendUint(dst, uint64(v.Mask))
	dst = AppendDot(dst, v.Dot)
	dst = AppendBytes(dst, v.Value)
	dst = AppendInterval(dst, v.Wall)
	dst = AppendInt(dst, int64(v.Lamport)-int64(v.Dot.Seq))
	if shape&verHLC != 0 {
		dst = AppendHLC(dst, v.HLC, v.Wall)
	}
	if shape&verTotal != 0 {
		dst = appendInt128(dst, v.Count.Total)
	}
	if shape&verBase != 0 {
		dst = AppendInt(dst, int64(v.Dot.Seq-v.Count.Base.Seq))
		dst = appendInt128(dst, v.Count.Base.Total)
	}
	if shape&verVoids != 0 {
		dst = appendVoids(dst, v)
	}
	if shape&verExpires != 0 {
		dst = AppendInt(dst, int64(v.Expires))
	}
	if shape&verTouched != 0 {
		dst = AppendDot(AppendHLC(dst, v.Touched.HLC, v.Wall), v.Touched.By)
	}
	if shape&verEnds != 0 {
		dst = appendEnds(dst, v)
	}
	return dst
}

// objectFormatOf is the format in which o is written.
func objectFormatOf(o *resolve.Object) byte {
	for i := range o.Versions {
		if v := &o.Versions[i]; versionShape(v) >= verTouched || expiringShare(v) {
			return objectFormat
		}
	}
	return firstObjectFormat
}

// touched reports whether a version has a group that format 1 does not know.
func touched(o *resolve.Object) bool {
	for i := range o.Versions {
		if versionShape(&o.Versions[i]) >= verTouched {
			return true
		}
	}
	return false
}

// expiringShare reports whether the version is a share of a counter whose op gave it
// a deadline.
func expiringShare(v *resolve.Version) bool {
	return v.Mask.Has(resolve.Counter) && v.Expires != 0 && !v.Deleted()
}

// ownEnds is what the op of v states of its share by itself; false: nothing.
func ownEnds(v *resolve.Version) (resolve.Deadline, bool) {
	return resolve.Deadline{Seq: v.Dot.Seq, Expires: v.Expires, Stamp: resolve.Stamp{HLC: v.HLC, By: v.Dot}}, expiringShare(v) && v.Touched == nil
}

// plainEnds reports whether v's ends follow from the rest of it.
func plainEnds(v *resolve.Version) bool {
	own, states := ownEnds(v)
	if !states {
		return len(v.Count.Deadlines) == 0
	}
	return len(v.Count.Deadlines) == 1 && v.Count.Deadlines[0] == own
}

func appendEnds(dst []byte, v *resolve.Version) []byte {
	dst = AppendArray(dst, endElements*len(v.Count.Deadlines))
	for _, e := range v.Count.Deadlines {
		dst = AppendInt(dst, int64(v.Dot.Seq-e.Seq))
		dst = AppendInt(dst, int64(e.Expires-v.Expires))
		dst = AppendDot(AppendHLC(dst, e.Stamp.HLC, v.Wall), e.Stamp.By)
	}
	return dst
}

// endElements is how many elements one statement of an end has.
const endElements = 6

func (r *Reader) ends(v *resolve.Version) []resolve.Deadline {
	n := r.Array("ends", endElements*maxEnds, 1)
	r.Require(n%endElements == 0, "an end has six elements")
	if r.err != nil || n == 0 {
		return nil
	}
	ends := make([]resolve.Deadline, n/endElements)
	for i := range ends {
		e := &ends[i]
		e.Seq = v.Dot.Seq - logical.Seq(r.Int())
		e.Expires = v.Expires + wallclock.Instant(r.Int())
		e.Stamp.HLC = r.HLC(v.Wall)
		e.Stamp.By = r.Dot()
	}
	return ends
}

// upgradeFirst turns an object of format 1 into one of the present format. Where some
// share of a counter had a deadline and another had none, the counter did not end, and
// it does not begin to: the share without one is taken to have said so.
func upgradeFirst(o *resolve.Object) {
	expiring := false
	for i := range o.Versions {
		expiring = expiring || expiringShare(&o.Versions[i])
	}
	for i := range o.Versions {
		if v := &o.Versions[i]; expiring && v.Mask.Has(resolve.Counter) && v.Expires == 0 && !v.Deleted() {
			v.Count.Deadlines = []resolve.Deadline{{Seq: v.Dot.Seq, Stamp: resolve.Stamp{HLC: v.HLC, By: v.Dot}}}
		}
	}
}

func appendVoids(dst []byte, v *resolve.Version) []byte {
	dst = AppendArray(dst, 2*len(v.Count.Voids))
	for _, d := range v.Count.Voids {
		dst = AppendInt(dst, int64(v.Dot.Seq-d.Seq))
		dst = appendInt128(dst, d.Delta)
	}
	return dst
}

// DecodeObject reads what [AppendObject] wrote and nothing else. The object
// shares no memory with b.
func DecodeObject(b []byte) (*resolve.Object, error) {
	r := NewReader("object", b)
	return r.object()
}

// DecodeStored reads a stored object, whose key stands in the storage key. It shares no
// memory with b.
func DecodeStored(b []byte, key string) (*resolve.Object, error) { return decodeStored(b, key, false) }

// DecodeLent is DecodeStored without copying values: they lie in b and are valid as long
// as b is.
func DecodeLent(b []byte, key string) (*resolve.Object, error) { return decodeStored(b, key, true) }

// DecodeLentTo is DecodeLent into the memory of an object that nobody refers to any more,
// if that is enough.
func DecodeLentTo(o *resolve.Object, b []byte, key string) (*resolve.Object, error) {
	r := NewReader("object", b)
	r.owns, r.into = true, o
	return r.stored(key)
}

func decodeStored(b []byte, key string, owns bool) (*resolve.Object, error) {
	r := NewReader("object", b)
	r.owns = owns
	return r.stored(key)
}

func (r *Reader) stored(key string) (*resolve.Object, error) {
	o, err := r.object()
	if err != nil {
		return nil, err
	}
	o.Key = key
	return o, nil
}

func (r *Reader) object() (*resolve.Object, error) {
	n := r.Array("versions", 3+maxVersions, 1) - 2
	r.Require(n >= 0, "an object has a format and a key")
	format := r.Uint()
	r.Require(format >= firstObjectFormat && format <= objectFormat, "the format is not known to this version of the program")
	key, duplicates := r.Key(), r.peek() == mTrue
	if duplicates {
		r.byte()
		n--
	}
	o := r.versions(key, n)
	o.Duplicates = duplicates
	if err := r.End(); err != nil {
		return nil, err
	}
	if err := CheckObject(o); err != nil {
		return nil, err
	}
	switch {
	case format == firstObjectFormat && touched(o):
		return nil, errors.New("decode object: it is written in an older format than it needs")
	case format == firstObjectFormat:
		upgradeFirst(o)
	case objectFormatOf(o) != objectFormat:
		return nil, errors.New("decode object: it is written in a newer format than it needs")
	}
	return o, nil
}

// versions reads n versions, whose shortest encoding is an array of
// fixedVersion one-byte elements.
func (r *Reader) versions(key string, n int) *resolve.Object {
	r.Require(n <= maxVersions && n*(1+fixedVersion) <= len(r.b), "more versions are announced than bytes are left")
	r.Require(n >= 0, "fewer elements are announced than an object has")
	if r.err != nil {
		n = 0
	}
	o := r.into
	if o == nil || cap(o.Versions) < n {
		o = resolve.NewObject(key, n)
	}
	o.Key, o.Versions = key, o.Versions[:n]
	clear(o.Versions)
	for i := range o.Versions {
		r.version(&o.Versions[i])
	}
	return o
}

func (r *Reader) version(v *resolve.Version) {
	elements := r.Array("elements of a version", fixedVersion+16, 1)
	shape := r.Uint()
	r.Require(shape < verShapes && elements == versionElements(shape), "shape and number of elements do not agree")
	v.Kind = resolve.Kind(shape & 7)
	v.Mask = r.Mask()
	v.Dot = r.Dot()
	v.Value = r.Value()
	v.Wall = r.Interval()
	v.Lamport = logical.Lamport(v.Dot.Seq) + logical.Lamport(r.Int())
	v.HLC = logical.HLC{Wall: int64(v.Wall.Midpoint())}
	if shape&verHLC != 0 {
		v.HLC = r.HLC(v.Wall)
	}
	r.share(v, shape)
	if shape&verExpires != 0 {
		v.Expires = wallclock.Instant(r.Int())
	}
	if shape&verTouched != 0 {
		v.Touched = &resolve.Stamp{HLC: r.HLC(v.Wall), By: r.Dot()}
	}
	if own, states := ownEnds(v); shape&verEnds != 0 {
		v.Count.Deadlines = r.ends(v)
	} else if states {
		v.Count.Deadlines = []resolve.Deadline{own}
	}
	r.Require(versionShape(v) == shape, "a group is announced and empty")
}

// share reads the version's share of a counter.
func (r *Reader) share(v *resolve.Version, shape uint64) {
	if shape&verTotal != 0 {
		v.Count.Total = r.int128()
	}
	if shape&verBase != 0 {
		v.Count.Base.Seq = v.Dot.Seq - logical.Seq(r.Int())
		v.Count.Base.Total = r.int128()
	}
	if shape&verVoids != 0 {
		v.Count.Voids = r.voids(v.Dot.Seq)
	}
}

func (r *Reader) voids(seq logical.Seq) []resolve.VoidDelta {
	n := r.Array("voids", 2*maxVoids, 1)
	r.Require(n%2 == 0, "voids come in pairs")
	if r.err != nil || n == 0 {
		return nil
	}
	voids := make([]resolve.VoidDelta, n/2)
	for i := range voids {
		voids[i].Seq = seq - logical.Seq(r.Int())
		voids[i].Delta = r.int128()
	}
	return voids
}

// versionShape is v's shape.
func versionShape(v *resolve.Version) uint64 {
	s := uint64(v.Kind)
	s |= Flag(v.HLC != logical.HLC{Wall: int64(v.Wall.Midpoint())}, verHLC)
	s |= Flag(!v.Count.Total.IsZero(), verTotal)
	s |= Flag(v.Count.Base != resolve.Base{}, verBase)
	s |= Flag(len(v.Count.Voids) > 0, verVoids)
	s |= Flag(v.Expires != 0, verExpires)
	s |= Flag(v.Touched != nil, verTouched)
	s |= Flag(!plainEnds(v), verEnds)
	return s
}

// versionElements is the length of the array of a version of that shape.
func versionElements(shape uint64) int {
	return fixedVersion + bits.OnesCount64(shape>>3) + bits.OnesCount64(shape&pairsVersion) + 3*bits.OnesCount64(shape&verTouched)
}
