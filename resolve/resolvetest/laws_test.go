package resolvetest

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"kvd/resolve"
)

// everyone is a panel served by id and watched by all others.
func everyone(id resolve.ID) resolve.Panel {
	return resolve.Panel{Serving: id, Shadows: resolve.All &^ id.Mask()}
}

func TestEveryResolverKeepsEveryLaw(t *testing.T) {
	for _, id := range resolve.IDs() {
		t.Run(id.String(), func(t *testing.T) {
			pasts := Pasts(everyone(id))
			rapid.Check(t, func(t *rapid.T) { keepsEveryLaw(t, pasts.Draw(t, "past")) })
		})
	}
}

// Who else watches must change nothing; where few do, versions are dropped
// sooner.
func TestAnyPanelKeepsEveryLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		serving := rapid.SampledFrom(resolve.IDs()).Draw(t, "serving")
		shadows := resolve.Mask(rapid.Uint16Range(0, uint16(resolve.All)).Draw(t, "shadows"))
		shadows &= resolve.Mask(rapid.Uint16Range(0, uint16(resolve.All)).Draw(t, "fewer"))
		keepsEveryLaw(t, Pasts(resolve.Panel{Serving: serving, Shadows: shadows &^ serving.Mask()}).Draw(t, "past"))
	})
}

func keepsEveryLaw(t *rapid.T, p Past) {
	seed := rapid.Uint64().Draw(t, "orders")
	for i, law := range Laws() {
		if err := law.Check(p, rand.New(rand.NewPCG(seed, uint64(i)))); err != nil {
			t.Fatalf("%s: %v\n%s", law.Name, err, p)
		}
	}
}
