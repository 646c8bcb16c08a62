// Package lossestest generates rows and stats of a ledger for tests.
package lossestest

import (
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec/codectest"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// Relation draws how a write was lost.
func Relation(t *rapid.T) resolve.Relation {
	return rapid.SampledFrom([]resolve.Relation{resolve.Inverted, resolve.Concurrent}).Draw(t, "relation")
}

// Row draws a row: its verdicts are inserted one after the other.
func Row(t *rapid.T) *losses.Row {
	r := &losses.Row{Key: codectest.Key(t), Loser: codectest.Dot(t), Position: max(1, codectest.Number(t, "place"))}
	winners := append(codectest.Dots(t, 2), logical.Dot{})
	ats := []wallclock.Interval{codectest.Interval(t), codectest.Interval(t)}
	for _, id := range rapid.SliceOfN(rapid.Uint8Range(0, 8), 1, 7).Draw(t, "resolvers") {
		r.Insert(resolve.Loss{Resolver: resolve.ID(id), Relation: Relation(t),
			Winner: rapid.SampledFrom(winners).Draw(t, "winner"), At: rapid.SampledFrom(ats).Draw(t, "at")})
	}
	r.Evidence = codectest.Sometimes(t, func() *losses.Evidence { return evidence(t) })
	return r
}

func evidence(t *rapid.T) *losses.Evidence {
	e := &losses.Evidence{Kind: codectest.Kind(t), Value: codectest.Value(t), Stamps: stamps(t)}
	e.Size = len(e.Value) + int(codectest.Sometimes(t, func() uint64 { return rapid.Uint64Range(0, 1<<20).Draw(t, "beyond") }))
	e.Delta = codectest.Sometimes(t, func() int64 { return codectest.Signed(t, "delta") })
	e.Expires = codectest.Sometimes(t, func() wallclock.Instant { return wallclock.Instant(codectest.Signed(t, "expires")) })
	e.Client = codectest.Sometimes(t, func() uint64 { return codectest.Number(t, "client") })
	e.Request = codectest.Sometimes(t, func() uint64 { return codectest.Number(t, "request") })
	e.Winner = codectest.Sometimes(t, func() *losses.Stamps { w := stamps(t); return &w })
	return e
}

func stamps(t *rapid.T) losses.Stamps {
	s := losses.Stamps{Wall: codectest.Interval(t), Lamport: logical.Lamport(codectest.Number(t, "lamport"))}
	s.HLC = codectest.HLC(t, s.Wall)
	return s
}

func counts(t *rapid.T) (y losses.Counts) {
	for range rapid.IntRange(0, 4).Draw(t, "counts") {
		y[rapid.IntRange(0, 15).Draw(t, "resolver")][rapid.IntRange(0, 1).Draw(t, "class")] = counted(t)
	}
	return y
}

func counted(t *rapid.T) int64 { return int64(codectest.Number(t, "count") >> 1) }

// Stats draws the stats of a ledger.
func Stats(t *rapid.T) losses.Stats {
	return losses.Stats{Rows: counted(t), Bytes: counted(t), Entered: codectest.Number(t, "entered"), Inserted: counts(t), Retracted: counts(t),
		Evicted: losses.Evicted{Rows: counted(t), Bytes: counted(t), Verdicts: counts(t), Newest: wallclock.Instant(codectest.Signed(t, "newest"))}}
}

// TypicalRow is a write that the wall clock's resolver, which serves, lost to what
// its author had seen, and two shadows to something else.
func TypicalRow() *losses.Row {
	op := codectest.TypicalOp()
	r := &losses.Row{Key: op.Key, Loser: op.Dot, Position: 300, Evidence: &losses.Evidence{
		Kind: op.Kind, Value: op.Value, Size: len(op.Value), Client: 5, Request: 9,
		Stamps: losses.Stamps{Wall: op.Wall, HLC: op.HLC, Lamport: op.Lamport},
		Winner: &losses.Stamps{Wall: op.Wall, HLC: op.HLC, Lamport: op.Lamport + 1},
	}}
	for id, relation := range map[resolve.ID]resolve.Relation{resolve.LWW: resolve.Inverted, resolve.HLC: resolve.Concurrent, resolve.Causal: resolve.Concurrent} {
		r.Insert(resolve.Loss{Resolver: id, Relation: relation, Winner: op.Parents[0], At: op.Wall})
	}
	return r
}
