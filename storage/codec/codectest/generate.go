// Package codectest has what tests of encodings share: generators of everything that an
// Op or an object can hold, typical ones, and the laws of a pair of encoder and decoder.
package codectest

import (
	"slices"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/number"
	"kvd/wallclock"
)

// Generators mix small and extreme numbers, because widths change at powers of two and
// differences may wrap.

// Number draws a number of any width.
func Number(t *rapid.T, name string) uint64 {
	return rapid.OneOf(rapid.Uint64Range(0, 300), rapid.Uint64Range(0, 1<<33), rapid.Uint64()).Draw(t, name)
}

// Signed draws a number of any width.
func Signed(t *rapid.T, name string) int64 {
	return rapid.OneOf(rapid.Int64Range(-200, 200), rapid.Int64Range(-1<<33, 1<<33), rapid.Int64()).Draw(t, name)
}

// Origin draws from few, so that dots, parents and deps share some.
func Origin(t *rapid.T) logical.Origin {
	return logical.Origin(rapid.OneOf(rapid.Uint64Range(1, 4), rapid.Uint64Range(1, 1<<64-1)).Draw(t, "origin"))
}

// Dot draws a dot that names an operation.
func Dot(t *rapid.T) logical.Dot {
	return logical.Dot{Origin: Origin(t), Seq: logical.Seq(max(1, Number(t, "seq")))}
}

// Dots draws up to n dots.
func Dots(t *rapid.T, n int) []logical.Dot {
	var out []logical.Dot
	for range rapid.IntRange(0, n).Draw(t, "dots") {
		out = append(out, Dot(t))
	}
	return out
}

// Key draws a key of any bytes.
func Key(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z:0-9]{0,40}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "\x00", "a\x00", "a\x00\x00", "a\x00\xff", "a", "ab", "\xff", "ü", string(make([]byte, 300))}),
	).Draw(t, "key")
}

// Value draws a value; nil and empty differ.
func Value(t *rapid.T) []byte {
	return rapid.OneOf(rapid.Just[[]byte](nil), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 1, 300)).Draw(t, "value")
}

// Interval draws an interval that ends within 64 bits.
func Interval(t *rapid.T) wallclock.Interval {
	from := Signed(t, "earliest")
	width := rapid.OneOf(rapid.Int64Range(0, 1<<20), rapid.Map(rapid.Int64Range(0, 1<<20), func(n int64) int64 { return n * 2000 }),
		rapid.Int64Range(0, 1<<63-1)).Draw(t, "width")
	if from > 0 {
		width = min(width, 1<<63-1-from)
	}
	return wallclock.Interval{Earliest: wallclock.Instant(from), Latest: wallclock.Instant(from + width)}
}

// HLC draws a stamp, often at the midpoint of v.
func HLC(t *rapid.T, v wallclock.Interval) logical.HLC {
	if rapid.Bool().Draw(t, "hlc at midpoint") {
		return logical.HLC{Wall: int64(v.Midpoint())}
	}
	return logical.HLC{Wall: Signed(t, "hlc wall"), Count: rapid.Uint32().Draw(t, "hlc count")}
}

// Kind draws what an object may hold.
func Kind(t *rapid.T) resolve.Kind {
	return rapid.SampledFrom([]resolve.Kind{resolve.Put, resolve.Delete, resolve.Add}).Draw(t, "kind")
}

// Mask draws any set of resolvers.
func Mask(t *rapid.T) resolve.Mask { return resolve.Mask(rapid.Uint16().Draw(t, "mask")) }

// Sometimes is zero half of the time.
func Sometimes[T any](t *rapid.T, draw func() T) T {
	var zero T
	if rapid.Bool().Draw(t, "absent") {
		return zero
	}
	return draw()
}

// wide is mostly of 64 bits.
func wide(t *rapid.T, label string) number.Int128 {
	n := number.Of(Signed(t, label))
	if rapid.IntRange(0, 3).Draw(t, "wide") == 0 {
		n.Hi = Signed(t, label+", high")
	}
	return n
}

// Op draws an op that passes CheckOp.
func Op(t *rapid.T) *resolve.Op {
	o := &resolve.Op{
		Dot: Dot(t), Key: Key(t), Kind: Kind(t), Value: Value(t),
		Parents: Dots(t, 3), Hidden: Dots(t, 2), Deps: logical.FrontierOf(Dots(t, 5)...),
		Wall: Interval(t), Lamport: logical.Lamport(Number(t, "lamport")),
	}
	if rapid.Bool().Draw(t, "own place") {
		o.Deps.Advance(logical.Dot{Origin: o.Dot.Origin, Seq: o.Dot.Seq - 1})
	}
	o.HLC = HLC(t, o.Wall)
	o.Prev = Sometimes(t, func() logical.Seq { return logical.Seq(Number(t, "prev")) })
	o.Delta = Sometimes(t, func() number.Int128 { return wide(t, "delta") })
	o.Total = Sometimes(t, func() number.Int128 { return wide(t, "total") })
	o.Expires = Sometimes(t, func() wallclock.Instant { return wallclock.Instant(Signed(t, "expires")) })
	o.Inverted = Sometimes(t, func() resolve.Mask { return Mask(t) })
	o.Client = Sometimes(t, func() uint64 { return Number(t, "client") })
	o.Request = Sometimes(t, func() uint64 { return Number(t, "request") })
	o.Stated = Sometimes(t, func() resolve.Stamp { return statement(t, o.Wall) })
	o.Expired = Sometimes(t, func() *resolve.Expiry {
		e := &resolve.Expiry{At: wallclock.Instant(Signed(t, "ended")), Wall: Interval(t), Lamport: logical.Lamport(Number(t, "lamport"))}
		e.HLC = HLC(t, e.Wall)
		return e
	})
	o.Settles = Sometimes(t, func() logical.Dot { return Dot(t) })
	if rapid.IntRange(0, 3).Draw(t, "touch") == 0 {
		o.Kind = resolve.Touch
	}
	if o.Panel = Sometimes(t, func() resolve.Mask { return Mask(t) }); o.Panel != 0 {
		o.Unseen = Dots(t, 2)
	}
	for range rapid.IntRange(0, 3).Draw(t, "seen") {
		o.Seen = append(o.Seen, wide(t, "total seen"))
	}
	return o
}

func statement(t *rapid.T, v wallclock.Interval) resolve.Stamp {
	return resolve.Stamp{HLC: HLC(t, v), By: Dot(t)}
}

func version(t *rapid.T) resolve.Version {
	v := resolve.Version{Dot: Dot(t), Mask: Mask(t), Kind: Kind(t), Value: Value(t), Wall: Interval(t),
		Lamport: logical.Lamport(Number(t, "lamport"))}
	v.HLC = HLC(t, v.Wall)
	v.Expires = Sometimes(t, func() wallclock.Instant { return wallclock.Instant(Signed(t, "expires")) })
	v.Count.Total = Sometimes(t, func() number.Int128 { return wide(t, "total") })
	v.Count.Base = Sometimes(t, func() resolve.Base {
		return resolve.Base{Seq: logical.Seq(Number(t, "base")), Total: wide(t, "base total")}
	})
	for range rapid.IntRange(0, 2).Draw(t, "voids") {
		v.Count.Voids = append(v.Count.Voids, resolve.VoidDelta{Seq: logical.Seq(Number(t, "void")), Delta: wide(t, "void delta")})
	}
	v.Touched = Sometimes(t, func() *resolve.Stamp { s := statement(t, v.Wall); return &s })
	for range rapid.IntRange(0, 2).Draw(t, "ends") {
		v.Count.Deadlines = append(v.Count.Deadlines, resolve.Deadline{Seq: logical.Seq(Number(t, "end")), Expires: wallclock.Instant(Signed(t, "ends")), Stamp: statement(t, v.Wall)})
	}
	if rapid.Bool().Draw(t, "own end") {
		v.Count.Deadlines = []resolve.Deadline{{Seq: v.Dot.Seq, Expires: v.Expires, Stamp: resolve.Stamp{HLC: v.HLC, By: v.Dot}}}
	}
	return v
}

// Object draws an object that passes CheckObject.
func Object(t *rapid.T) *resolve.Object {
	o := &resolve.Object{Key: Key(t), Duplicates: rapid.Bool().Draw(t, "duplicates")}
	for range rapid.IntRange(0, 4).Draw(t, "versions") {
		o.Versions = append(o.Versions, version(t))
	}
	slices.SortFunc(o.Versions, func(a, b resolve.Version) int { return a.Dot.Compare(b.Dot) })
	o.Versions = slices.CompactFunc(o.Versions, func(a, b resolve.Version) bool { return a.Dot == b.Dot })
	return o
}
