package storage_test

import (
	"slices"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec/codectest"
	"kvd/wallclock"
)

func relation(t *rapid.T) resolve.Relation {
	return rapid.SampledFrom([]resolve.Relation{resolve.Inverted, resolve.Concurrent}).Draw(t, "relation")
}

// row is inserted as folding books: one verdict after the other.
func row(t *rapid.T) *storage.LossRow {
	r := &storage.LossRow{Key: codectest.Key(t), Loser: codectest.Dot(t), Place: max(1, codectest.Number(t, "place"))}
	winners := append(codectest.Dots(t, 2), logical.Dot{})
	ats := []wallclock.Interval{codectest.Interval(t), codectest.Interval(t)}
	for _, id := range rapid.SliceOfN(rapid.Uint8Range(0, 8), 1, 7).Draw(t, "resolvers") {
		r.Book(resolve.Loss{Resolver: resolve.ID(id), Relation: relation(t),
			Winner: rapid.SampledFrom(winners).Draw(t, "winner"), At: rapid.SampledFrom(ats).Draw(t, "at")})
	}
	r.Evidence = codectest.Sometimes(t, func() *storage.Evidence { return evidence(t) })
	return r
}

func evidence(t *rapid.T) *storage.Evidence {
	e := &storage.Evidence{Kind: codectest.Kind(t), Value: codectest.Value(t), Stamps: stamps(t)}
	e.Size = len(e.Value) + int(codectest.Sometimes(t, func() uint64 { return rapid.Uint64Range(0, 1<<20).Draw(t, "beyond") }))
	e.Delta = codectest.Sometimes(t, func() int64 { return codectest.Signed(t, "delta") })
	e.Expires = codectest.Sometimes(t, func() wallclock.Instant { return wallclock.Instant(codectest.Signed(t, "expires")) })
	e.Client = codectest.Sometimes(t, func() uint64 { return codectest.Number(t, "client") })
	e.Request = codectest.Sometimes(t, func() uint64 { return codectest.Number(t, "request") })
	e.Winner = codectest.Sometimes(t, func() *storage.Stamps { w := stamps(t); return &w })
	return e
}

func stamps(t *rapid.T) storage.Stamps {
	s := storage.Stamps{Wall: codectest.Interval(t), Lamport: logical.Lamport(codectest.Number(t, "lamport"))}
	s.HLC = codectest.HLC(t, s.Wall)
	return s
}

func tally(t *rapid.T) (y storage.VerdictCounts) {
	for range rapid.IntRange(0, 4).Draw(t, "tally") {
		y[rapid.IntRange(0, 15).Draw(t, "resolver")][rapid.IntRange(0, 1).Draw(t, "class")] = counted(t)
	}
	return y
}

func counted(t *rapid.T) int64 { return int64(codectest.Number(t, "count") >> 1) }

func ledgerStats(t *rapid.T) storage.LedgerStats {
	return storage.LedgerStats{Rows: counted(t), Bytes: counted(t), Entered: codectest.Number(t, "entered"), Inserted: tally(t), Retracted: tally(t),
		Evicted: storage.Evicted{Rows: counted(t), Bytes: counted(t), Verdicts: tally(t), Newest: wallclock.Instant(codectest.Signed(t, "newest"))}}
}

func state(t *rapid.T) storage.State {
	return storage.State{
		Origin: codectest.Origin(t), Frontier: logical.FrontierOf(codectest.Dots(t, 5)...),
		Lamport: logical.Lamport(codectest.Number(t, "lamport")),
		HLC:     logical.HLC{Wall: codectest.Signed(t, "hlc wall"), Count: rapid.Uint32().Draw(t, "hlc count")},
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
	p := resolve.Policy{Default: rapid.SampledFrom(resolve.IDs()).Draw(t, "default"), Shadows: codectest.Mask(t) & resolve.All}
	prefixes := rapid.SliceOfNDistinct(rapid.Custom(codectest.Key), 0, 3, rapid.ID[string]).Draw(t, "prefixes")
	slices.Sort(prefixes)
	for _, prefix := range prefixes {
		p.Rules = append(p.Rules, resolve.Rule{Prefix: prefix, Resolver: rapid.SampledFrom(resolve.IDs()).Draw(t, "resolver")})
	}
	return p
}
