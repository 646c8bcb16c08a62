package storage_test

import (
	"slices"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// Generators of everything that can be stored. They mix small and extreme
// numbers, because widths change at powers of two and differences may wrap.

func number(t *rapid.T, name string) uint64 {
	return rapid.OneOf(rapid.Uint64Range(0, 300), rapid.Uint64Range(0, 1<<33), rapid.Uint64()).Draw(t, name)
}

func signed(t *rapid.T, name string) int64 {
	return rapid.OneOf(rapid.Int64Range(-200, 200), rapid.Int64Range(-1<<33, 1<<33), rapid.Int64()).Draw(t, name)
}

// origin draws from few, so that dots, parents and deps share some.
func origin(t *rapid.T) logical.Origin {
	return logical.Origin(rapid.OneOf(rapid.Uint64Range(1, 4), rapid.Uint64Range(1, 1<<64-1)).Draw(t, "origin"))
}

func dot(t *rapid.T) logical.Dot {
	return logical.Dot{Origin: origin(t), Seq: logical.Seq(max(1, number(t, "seq")))}
}

func dots(t *rapid.T, n int) []logical.Dot {
	var out []logical.Dot
	for range rapid.IntRange(0, n).Draw(t, "dots") {
		out = append(out, dot(t))
	}
	return out
}

func key(t *rapid.T) string {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z:0-9]{0,40}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "\x00", "a\x00", "a\x00\x00", "a\x00\xff", "a", "ab", "\xff", "ü", string(make([]byte, 300))}),
	).Draw(t, "key")
}

func value(t *rapid.T) []byte {
	return rapid.OneOf(rapid.Just[[]byte](nil), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 1, 300)).Draw(t, "value")
}

func interval(t *rapid.T) wallclock.Interval {
	from := signed(t, "earliest")
	width := rapid.OneOf(rapid.Int64Range(0, 1<<20), rapid.Map(rapid.Int64Range(0, 1<<20), func(n int64) int64 { return n * 2000 }),
		rapid.Int64Range(0, 1<<63-1)).Draw(t, "width")
	if from > 0 {
		width = min(width, 1<<63-1-from)
	}
	return wallclock.Interval{Earliest: wallclock.Instant(from), Latest: wallclock.Instant(from + width)}
}

func hlc(t *rapid.T, v wallclock.Interval) logical.HLC {
	if rapid.Bool().Draw(t, "hlc at midpoint") {
		return logical.HLC{Wall: int64(v.Midpoint())}
	}
	return logical.HLC{Wall: signed(t, "hlc wall"), Count: rapid.Uint32().Draw(t, "hlc count")}
}

func kind(t *rapid.T) resolve.Kind {
	return rapid.SampledFrom([]resolve.Kind{resolve.Put, resolve.Delete, resolve.Add}).Draw(t, "kind")
}

func mask(t *rapid.T) resolve.Mask { return resolve.Mask(rapid.Uint16().Draw(t, "mask")) }

// sometimes is zero half of the time.
func sometimes[T any](t *rapid.T, draw func() T) T {
	var zero T
	if rapid.Bool().Draw(t, "absent") {
		return zero
	}
	return draw()
}

// wide is mostly of 64 bits.
func wide(t *rapid.T, label string) resolve.Int128 {
	n := resolve.Wide(signed(t, label))
	if rapid.IntRange(0, 3).Draw(t, "wide") == 0 {
		n.Hi = signed(t, label+", high")
	}
	return n
}

func op(t *rapid.T) *resolve.Op {
	o := &resolve.Op{
		Dot: dot(t), Key: key(t), Kind: kind(t), Value: value(t),
		Parents: dots(t, 3), Hidden: dots(t, 2), Deps: logical.FrontierOf(dots(t, 5)...),
		Wall: interval(t), Lamport: logical.Lamport(number(t, "lamport")),
	}
	if rapid.Bool().Draw(t, "own place") {
		o.Deps.Advance(logical.Dot{Origin: o.Dot.Origin, Seq: o.Dot.Seq - 1})
	}
	o.HLC = hlc(t, o.Wall)
	o.Prev = sometimes(t, func() logical.Seq { return logical.Seq(number(t, "prev")) })
	o.Delta = sometimes(t, func() resolve.Int128 { return wide(t, "delta") })
	o.Total = sometimes(t, func() resolve.Int128 { return wide(t, "total") })
	o.Expires = sometimes(t, func() wallclock.Instant { return wallclock.Instant(signed(t, "expires")) })
	o.Inverted = sometimes(t, func() resolve.Mask { return mask(t) })
	o.Client = sometimes(t, func() uint64 { return number(t, "client") })
	o.Request = sometimes(t, func() uint64 { return number(t, "request") })
	o.Stated = sometimes(t, func() resolve.Stamp { return statement(t, o.Wall) })
	o.Ended = sometimes(t, func() *resolve.Ended {
		s := stamps(t)
		return &resolve.Ended{At: wallclock.Instant(signed(t, "ended")), Wall: s.Wall, HLC: s.HLC, Lamport: s.Lamport}
	})
	o.Settles = sometimes(t, func() logical.Dot { return dot(t) })
	if rapid.IntRange(0, 3).Draw(t, "touch") == 0 {
		o.Kind = resolve.Touch
	}
	if o.Panel = sometimes(t, func() resolve.Mask { return mask(t) }); o.Panel != 0 {
		o.Unseen = dots(t, 2)
	}
	for range rapid.IntRange(0, 3).Draw(t, "seen") {
		o.Seen = append(o.Seen, wide(t, "total seen"))
	}
	return o
}

func statement(t *rapid.T, v wallclock.Interval) resolve.Stamp {
	return resolve.Stamp{HLC: hlc(t, v), By: dot(t)}
}

func version(t *rapid.T) resolve.Version {
	v := resolve.Version{Dot: dot(t), Mask: mask(t), Kind: kind(t), Value: value(t), Wall: interval(t),
		Lamport: logical.Lamport(number(t, "lamport"))}
	v.HLC = hlc(t, v.Wall)
	v.Expires = sometimes(t, func() wallclock.Instant { return wallclock.Instant(signed(t, "expires")) })
	v.Count.Total = sometimes(t, func() resolve.Int128 { return wide(t, "total") })
	v.Count.Base = sometimes(t, func() resolve.Base {
		return resolve.Base{Seq: logical.Seq(number(t, "base")), Total: wide(t, "base total")}
	})
	for range rapid.IntRange(0, 2).Draw(t, "voids") {
		v.Count.Voids = append(v.Count.Voids, resolve.VoidDelta{Seq: logical.Seq(number(t, "void")), Delta: wide(t, "void delta")})
	}
	v.Touched = sometimes(t, func() *resolve.Stamp { s := statement(t, v.Wall); return &s })
	for range rapid.IntRange(0, 2).Draw(t, "ends") {
		v.Count.Ends = append(v.Count.Ends, resolve.End{Seq: logical.Seq(number(t, "end")), Expires: wallclock.Instant(signed(t, "ends")), Stamp: statement(t, v.Wall)})
	}
	if rapid.Bool().Draw(t, "own end") {
		v.Count.Ends = []resolve.End{{Seq: v.Dot.Seq, Expires: v.Expires, Stamp: resolve.Stamp{HLC: v.HLC, By: v.Dot}}}
	}
	return v
}

func object(t *rapid.T) *resolve.Object {
	o := &resolve.Object{Key: key(t), Duplicates: rapid.Bool().Draw(t, "duplicates")}
	for range rapid.IntRange(0, 4).Draw(t, "versions") {
		o.Versions = append(o.Versions, version(t))
	}
	slices.SortFunc(o.Versions, func(a, b resolve.Version) int { return a.Dot.Compare(b.Dot) })
	o.Versions = slices.CompactFunc(o.Versions, func(a, b resolve.Version) bool { return a.Dot == b.Dot })
	return o
}

func relation(t *rapid.T) resolve.Relation {
	return rapid.SampledFrom([]resolve.Relation{resolve.Inverted, resolve.Concurrent}).Draw(t, "relation")
}

// row is inserted as folding books: one verdict after the other.
func row(t *rapid.T) *storage.LossRow {
	r := &storage.LossRow{Key: key(t), Loser: dot(t), Place: max(1, number(t, "place"))}
	winners := append(dots(t, 2), logical.Dot{})
	ats := []wallclock.Interval{interval(t), interval(t)}
	for _, id := range rapid.SliceOfN(rapid.Uint8Range(0, 8), 1, 7).Draw(t, "resolvers") {
		r.Book(resolve.Loss{Resolver: resolve.ID(id), Relation: relation(t),
			Winner: rapid.SampledFrom(winners).Draw(t, "winner"), At: rapid.SampledFrom(ats).Draw(t, "at")})
	}
	r.Evidence = sometimes(t, func() *storage.Evidence { return evidence(t) })
	return r
}

func evidence(t *rapid.T) *storage.Evidence {
	e := &storage.Evidence{Kind: kind(t), Value: value(t), Stamps: stamps(t)}
	e.Size = len(e.Value) + int(sometimes(t, func() uint64 { return rapid.Uint64Range(0, 1<<20).Draw(t, "beyond") }))
	e.Delta = sometimes(t, func() int64 { return signed(t, "delta") })
	e.Expires = sometimes(t, func() wallclock.Instant { return wallclock.Instant(signed(t, "expires")) })
	e.Client = sometimes(t, func() uint64 { return number(t, "client") })
	e.Request = sometimes(t, func() uint64 { return number(t, "request") })
	e.Winner = sometimes(t, func() *storage.Stamps { w := stamps(t); return &w })
	return e
}

func stamps(t *rapid.T) storage.Stamps {
	s := storage.Stamps{Wall: interval(t), Lamport: logical.Lamport(number(t, "lamport"))}
	s.HLC = hlc(t, s.Wall)
	return s
}

func tally(t *rapid.T) (y storage.VerdictCounts) {
	for range rapid.IntRange(0, 4).Draw(t, "tally") {
		y[rapid.IntRange(0, 15).Draw(t, "resolver")][rapid.IntRange(0, 1).Draw(t, "class")] = counted(t)
	}
	return y
}

func counted(t *rapid.T) int64 { return int64(number(t, "count") >> 1) }

func holding(t *rapid.T) storage.LedgerStats {
	return storage.LedgerStats{Rows: counted(t), Bytes: counted(t), Entered: number(t, "entered"), Inserted: tally(t), Retracted: tally(t),
		Evicted: storage.Evicted{Rows: counted(t), Bytes: counted(t), Verdicts: tally(t), Newest: wallclock.Instant(signed(t, "newest"))}}
}

func state(t *rapid.T) storage.State {
	return storage.State{
		Origin: origin(t), Frontier: logical.FrontierOf(dots(t, 5)...),
		Lamport: logical.Lamport(number(t, "lamport")),
		HLC:     logical.HLC{Wall: signed(t, "hlc wall"), Count: rapid.Uint32().Draw(t, "hlc count")},
	}
}

func judgement(t *rapid.T) storage.Judged {
	j := storage.Judged{Unknown: rapid.Bool().Draw(t, "unknown")}
	if !j.Unknown {
		j.Policy = policy(t)
	}
	for range rapid.IntRange(0, 3).Draw(t, "folding") {
		j.Folding = append(j.Folding, policy(t))
	}
	return j
}

func policy(t *rapid.T) resolve.Policy {
	p := resolve.Policy{Default: rapid.SampledFrom(resolve.IDs()).Draw(t, "default"), Shadows: mask(t) & resolve.All}
	prefixes := rapid.SliceOfNDistinct(rapid.Custom(key), 0, 3, rapid.ID[string]).Draw(t, "prefixes")
	slices.Sort(prefixes)
	for _, prefix := range prefixes {
		p.Rules = append(p.Rules, resolve.Rule{Prefix: prefix, Resolver: rapid.SampledFrom(resolve.IDs()).Draw(t, "resolver")})
	}
	return p
}
