package replay

import "math/rand/v2"

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// newCurveRand is the chance that a curve draws from.
func newCurveRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x736b6577)) }
