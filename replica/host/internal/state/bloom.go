package state

import "kvd/logical"

// bloom is a Bloom filter of one cache line a dot. It says of most dots without a row
// in the ledger that they have none, without asking the store: what it lets through
// may be there, what it holds back is not. Rows that are gone stay in it, so it lets
// more and more through as a leader runs; one that starts fills a new one.
//
// Folding asks for rows of writes that were never lost whenever two writes
// collide, and each such question to the store costs as much as folding.
type bloom struct {
	blocks []block // nil: nothing was added yet
	open   bool    // everything is let through: there were too many to add
}

// block is 512 bits.
type block [8]uint64

const (
	minBlocks = 1 << 14 // 1 MiB: about one in a hundred is let through at 800,000 rows
	maxBlocks = 1 << 16 // the lowest bits of a hash choose among them
	// maxBloomRows is with how many rows a leader starts without a filter: filling it,
	// at some 600 ns a row, would keep people waiting.
	maxBloomRows = 1 << 22
)

// expect sizes an empty filter for so many rows.
func (f *bloom) expect(rows int64) {
	n := minBlocks
	for n < maxBlocks && int64(n)*32 < rows {
		n *= 2
	}
	f.blocks = make([]block, n)
}

func (f *bloom) add(d logical.Dot) {
	if f.blocks == nil {
		f.expect(0)
	}
	h := mix(d)
	b := &f.blocks[h%uint64(len(f.blocks))]
	for h >>= 16; h > 0xff; h >>= 9 {
		b[h>>6&7] |= 1 << (h & 63)
	}
}

// mayHold is false if d was never added.
func (f *bloom) mayHold(d logical.Dot) bool {
	if f.open || f.blocks == nil {
		return f.open
	}
	h := mix(d)
	b := &f.blocks[h%uint64(len(f.blocks))]
	for h >>= 16; h > 0xff; h >>= 9 {
		if b[h>>6&7]&(1<<(h&63)) == 0 {
			return false
		}
	}
	return true
}

// mix spreads a dot over 64 bits (Stafford's thirteenth variant of the finalizer
// of MurmurHash3).
func mix(d logical.Dot) uint64 {
	h := uint64(d.Origin) ^ uint64(d.Seq)*0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
