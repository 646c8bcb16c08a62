package codec

import (
	"encoding/binary"
	"math"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// origins is what one op names: its own first, the others ascending.
type origins []logical.Origin

// originsOf gathers the origins that o names, in dst's memory if it is large
// enough.
func originsOf(o *resolve.Op, dst []logical.Origin) origins {
	t := origins(append(dst, o.Dot.Origin))
	for d := range o.Deps.All() {
		if d.Origin != o.Dot.Origin {
			t = append(t, d.Origin)
		}
	}
	for _, dots := range [3][]logical.Dot{o.Parents, o.Hidden, o.Unseen} {
		for _, d := range dots {
			if i, ok := t.find(d.Origin); !ok {
				t = slices.Insert(t, i, d.Origin)
			}
		}
	}
	return t
}

// find is the index of origin, or where it would stand.
func (t origins) find(o logical.Origin) (int, bool) {
	if t[0] == o {
		return 0, true
	}
	i, ok := slices.BinarySearch(t[1:], o)
	return i + 1, ok
}

// at is the i-th origin; zero, which names none, when there are fewer.
func (t origins) at(i int) logical.Origin {
	if i >= len(t) {
		return 0
	}
	return t[i]
}

func (t origins) append(dst []byte) []byte {
	dst = AppendBinHeader(dst, 8*len(t))
	for _, o := range t {
		dst = binary.BigEndian.AppendUint64(dst, uint64(o))
	}
	return dst
}

// appendDeps writes the seqs of deps in the order of t.
func (t origins) appendDeps(dst []byte, o *resolve.Op) []byte {
	from := 0
	if o.Deps.At(o.Dot.Origin) == o.Dot.Seq-1 {
		from = 1
	}
	dst = AppendArray(dst, len(t)-from)
	for _, origin := range t[from:] {
		dst = AppendUint(dst, uint64(o.Deps.At(origin)))
	}
	return dst
}

// origins reads the table of an op, into dst's memory if it is large enough.
func (r *Reader) origins(dst []logical.Origin) origins {
	b, _ := r.Bin(8 * maxOrigins)
	r.Require(len(b) > 0 && len(b)%8 == 0, "the origins are not eight bytes each")
	if r.err != nil {
		return nil
	}
	t := origins(slices.Grow(dst, len(b)/8))
	for i := range len(b) / 8 {
		t = append(t, logical.Origin(binary.BigEndian.Uint64(b[8*i:])))
		r.Require(i < 2 || t[i-1] < t[i], "the origins are not in order")
	}
	return t
}

// deps reads the seqs in the order of t into o's frontier.
func (r *Reader) deps(o *resolve.Op, t origins) {
	n := r.Array("deps", maxOrigins, 1)
	from := len(t) - n
	r.Require(from == 0 || from == 1, "deps and origins do not agree")
	if r.err != nil {
		return
	}
	if from == 1 {
		o.Deps.Advance(logical.Dot{Origin: t[0], Seq: o.Dot.Seq - 1})
	}
	for _, origin := range t[from:] {
		o.Deps.Advance(logical.Dot{Origin: origin, Seq: logical.Seq(r.Uint())})
	}
	r.Require(from == 1 || o.Deps.At(o.Dot.Origin) != o.Dot.Seq-1, "the op's own seq in deps need not be written")
}

// appendDots writes parents or hidden dots.
func (t origins) appendDots(dst []byte, dots []logical.Dot, deps logical.Frontier) []byte {
	dst = AppendArray(dst, len(dots))
	for _, d := range dots {
		dst = t.appendDot(dst, d, deps)
	}
	return dst
}

// appendDot writes a dot that deps covers, as every honest one is, as one
// number: its distance behind deps times the number of origins, plus its
// origin's index. Any other dot is [index, seq].
func (t origins) appendDot(dst []byte, d logical.Dot, deps logical.Frontier) []byte {
	i, _ := t.find(d.Origin)
	if back, ok := t.behind(d, deps); ok {
		return AppendUint(dst, back*uint64(len(t))+uint64(i))
	}
	return AppendUint(AppendUint(AppendArray(dst, 2), uint64(i)), uint64(d.Seq))
}

// behind is how far d is behind deps; false: it is ahead, or too far behind for
// one number.
func (t origins) behind(d logical.Dot, deps logical.Frontier) (uint64, bool) {
	at := deps.At(d.Origin)
	back := uint64(at - d.Seq)
	return back, d.Seq <= at && back < math.MaxUint64/uint64(len(t))
}

// dots reads what appendDots wrote.
func (r *Reader) dots(t origins, deps logical.Frontier) []logical.Dot {
	n := r.Array("parents or hidden", MaxDots, 1)
	if n == 0 {
		return nil
	}
	dots := make([]logical.Dot, n)
	for i := range dots {
		if dots[i] = r.opDot(t, deps); r.err != nil {
			return nil
		}
	}
	return dots
}

// opDot reads what origins.appendDot wrote.
func (r *Reader) opDot(t origins, deps logical.Frontier) logical.Dot {
	if r.peek()&0xf0 == mFixArray {
		return r.uncovered(t, deps)
	}
	n := r.Uint()
	if r.err != nil {
		return logical.Dot{}
	}
	o, back := t[n%uint64(len(t))], n/uint64(len(t))
	d := logical.Dot{Origin: o, Seq: deps.At(o) - logical.Seq(back)}
	again, ok := t.behind(d, deps)
	r.Require(ok && again == back, "a dot is further behind than its log is long")
	return d
}

// uncovered reads a dot that is not relative to deps.
func (r *Reader) uncovered(t origins, deps logical.Frontier) logical.Dot {
	r.Require(r.Array("parts of a dot", 2, 1) == 2, "a dot has two parts")
	i := r.Uint()
	r.Require(i < uint64(len(t)), "a dot's origin is not listed")
	if r.err != nil {
		return logical.Dot{}
	}
	d := logical.Dot{Origin: t[i], Seq: logical.Seq(r.Uint())}
	_, ok := t.behind(d, deps)
	r.Require(!ok, "a dot that deps covers is written longer than needed")
	return d
}
