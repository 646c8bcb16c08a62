package codec

import "kvd/logical"

// Single is the dot and the value of the one version of an encoded object without
// duplicates and without a key, as a store holds it; false: it is not such an object. The
// value lies in b. For who knows that b is what [AppendObjectAs] wrote, and needs no more
// of it.
func Single(b []byte) (d logical.Dot, value []byte, ok bool) {
	if len(b) < 4 || b[0] != mFixArray|3 || b[2] != mFixStr || b[3] == mTrue {
		return d, nil, false
	}
	r := Reader{what: "object", b: b[3:], size: len(b)}
	r.Array("elements of a version", fixedVersion+16, 1)
	r.Uint() // shape
	r.Uint() // mask
	d = r.Dot()
	value, _ = r.Bin(MaxValue)
	return d, value, r.err == nil
}
