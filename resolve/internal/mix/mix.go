// Package mix breaks ties of equal stamps: a raw name would always favour the same leader.
package mix

import "kvd/logical"

// Of hashes key and dot: FNV-1a, then the finaliser of MurmurHash3, because
// FNV alone leaves neighbours in order.
func Of(key string, d logical.Dot) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h ^= uint64(d.Origin) * 0x9e3779b97f4a7c15
	h = (h ^ uint64(d.Seq)) * 1099511628211
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
