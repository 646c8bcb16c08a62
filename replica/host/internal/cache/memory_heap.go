//go:build !linux || race

package cache

// mappings is the memory of shared segments: the heap's.
type mappings struct{}

func (*mappings) allocate(n int) []byte { return make([]byte, n) }
func (*mappings) release([]byte)        {}
func (*mappings) freeAll()              {}
