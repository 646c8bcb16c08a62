package storage

import (
	"math/bits"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// objectFormat is the version of this layout:
//
//	format, key, true if twins (else left out), version …
//
// Each version is an array:
//
//	shape, mask, origin, seq, value, wall: earliest, width,
//	lamport, less seq,
//	then, each only if shape says so:
//	hlc: wall from the interval's midpoint, count
//	total
//	base: place back from seq, total
//	voids: [place back from seq, delta …]
//	expires
//
// shape is the kind in the lowest three bits, then one bit for each of those
// groups in that order.
const objectFormat = 1

const (
	verHLC = 1 << (3 + iota)
	verTotal
	verBase
	verVoids
	verExpires
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
func AppendObject(dst []byte, o *resolve.Object) []byte { return appendObject(dst, o.Key, o) }

// appendObject encodes o under another key: stored objects have theirs in the
// storage key.
func appendObject(dst []byte, key string, o *resolve.Object) []byte {
	n := 2 + len(o.Versions)
	if o.Twins {
		n++
	}
	dst = appendArray(dst, n)
	dst = append(dst, objectFormat)
	dst = appendKey(dst, key)
	if o.Twins {
		dst = append(dst, mTrue)
	}
	for i := range o.Versions {
		dst = appendVersion(dst, &o.Versions[i])
	}
	return dst
}

func appendVersion(dst []byte, v *resolve.Version) []byte {
	shape := versionShape(v)
	dst = appendArray(dst, versionElements(shape))
	dst = appendUint(dst, shape)
	dst = appendUint(dst, uint64(v.Mask))
	dst = appendDot(dst, v.Dot)
	dst = appendBytes(dst, v.Value)
	dst = appendInterval(dst, v.Wall)
	dst = appendInt(dst, int64(v.Lamport)-int64(v.Dot.Seq))
	if shape&verHLC != 0 {
		dst = appendHLC(dst, v.HLC, v.Wall)
	}
	if shape&verTotal != 0 {
		dst = appendInt(dst, v.Count.Total)
	}
	if shape&verBase != 0 {
		dst = appendInt(dst, int64(v.Dot.Seq-v.Count.Base.Seq))
		dst = appendInt(dst, v.Count.Base.Total)
	}
	if shape&verVoids != 0 {
		dst = appendVoids(dst, v)
	}
	if shape&verExpires != 0 {
		dst = appendInt(dst, int64(v.Expires))
	}
	return dst
}

func appendVoids(dst []byte, v *resolve.Version) []byte {
	dst = appendArray(dst, 2*len(v.Count.Voids))
	for _, d := range v.Count.Voids {
		dst = appendInt(dst, int64(v.Dot.Seq-d.Seq))
		dst = appendInt(dst, d.Delta)
	}
	return dst
}

// DecodeObject reads what [AppendObject] wrote and nothing else. The object
// shares no memory with b.
func DecodeObject(b []byte) (*resolve.Object, error) {
	r := newReader("object", b)
	n := r.array("versions", 3+MaxVersions, 1) - 2
	r.require(n >= 0, "an object has a format and a key")
	r.require(r.uint() == objectFormat, "the format is not known to this version of the program")
	o := &resolve.Object{Key: r.key()}
	if r.peek() == mTrue {
		o.Twins = true
		r.byte()
		n--
	}
	r.versions(o, n)
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := checkObject(o); err != nil {
		return nil, err
	}
	return o, nil
}

// versions reads n versions, whose shortest encoding is an array of
// fixedVersion one-byte elements.
func (r *reader) versions(o *resolve.Object, n int) {
	r.require(n <= MaxVersions && n*(1+fixedVersion) <= len(r.b), "more versions are announced than bytes are left")
	if r.err != nil || n <= 0 {
		r.require(n == 0, "fewer elements are announced than an object has")
		return
	}
	o.Versions = make([]resolve.Version, n)
	for i := range o.Versions {
		r.version(&o.Versions[i])
	}
}

func (r *reader) version(v *resolve.Version) {
	elements := r.array("elements of a version", fixedVersion+8, 1)
	shape := r.uint()
	r.require(shape < verShapes && elements == versionElements(shape), "shape and number of elements do not agree")
	v.Kind = resolve.Kind(shape & 7)
	v.Mask = r.mask()
	v.Dot = r.dot()
	v.Value = r.value()
	v.Wall = r.interval()
	v.Lamport = logical.Lamport(v.Dot.Seq) + logical.Lamport(r.int())
	v.HLC = logical.HLC{Wall: int64(v.Wall.Midpoint())}
	if shape&verHLC != 0 {
		v.HLC = r.hlc(v.Wall)
	}
	r.share(v, shape)
	if shape&verExpires != 0 {
		v.Expires = wallclock.Instant(r.int())
	}
	r.require(versionShape(v) == shape, "a group is announced and empty")
}

// share reads the version's share of a counter.
func (r *reader) share(v *resolve.Version, shape uint64) {
	if shape&verTotal != 0 {
		v.Count.Total = r.int()
	}
	if shape&verBase != 0 {
		v.Count.Base.Seq = v.Dot.Seq - logical.Seq(r.int())
		v.Count.Base.Total = r.int()
	}
	if shape&verVoids != 0 {
		v.Count.Voids = r.voids(v.Dot.Seq)
	}
}

func (r *reader) voids(seq logical.Seq) []resolve.VoidDelta {
	n := r.array("voids", 2*MaxVoids, 1)
	r.require(n%2 == 0, "voids come in pairs")
	if r.err != nil || n == 0 {
		return nil
	}
	voids := make([]resolve.VoidDelta, n/2)
	for i := range voids {
		voids[i].Seq = seq - logical.Seq(r.int())
		voids[i].Delta = r.int()
	}
	return voids
}

// versionShape is v's shape.
func versionShape(v *resolve.Version) uint64 {
	s := uint64(v.Kind)
	s |= flag(v.HLC != logical.HLC{Wall: int64(v.Wall.Midpoint())}, verHLC)
	s |= flag(v.Count.Total != 0, verTotal)
	s |= flag(v.Count.Base != resolve.Base{}, verBase)
	s |= flag(len(v.Count.Voids) > 0, verVoids)
	s |= flag(v.Expires != 0, verExpires)
	return s
}

// versionElements is the length of the array of a version of that shape.
func versionElements(shape uint64) int {
	return fixedVersion + bits.OnesCount64(shape>>3) + bits.OnesCount64(shape&pairsVersion)
}
