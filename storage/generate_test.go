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

func state(t *rapid.T) storage.State {
	return storage.State{
		Origin: codectest.Origin(t), Frontier: logical.FrontierOf(codectest.Dots(t, 5)...),
		Lamport: logical.Lamport(codectest.Number(t, "lamport")),
		HLC:     logical.HLC{Wall: codectest.Signed(t, "hlc wall"), Count: rapid.Uint32().Draw(t, "hlc count")},
		Floor:   wallclock.Instant(codectest.Signed(t, "floor")),
	}
}

func judgement(t *rapid.T) storage.Judged {
	j := storage.Judged{Unknown: rapid.Bool().Draw(t, "unknown")}
	if !j.Unknown {
		j.Policy = policy(t)
	}
	if rapid.Bool().Draw(t, "folding") {
		to := policy(t)
		j.Folding, j.Step = &to, storage.FoldingStep{After: codectest.Key(t), Prepared: rapid.Bool().Draw(t, "prepared"), Ops: codectest.Number(t, "ops")}
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
