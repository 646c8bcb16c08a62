package main

import (
	"os"
	"runtime/debug"

	"kvd/replica/node"
)

// working is what a leader takes beside its caches, buffers and clients' budget:
// queues to and from its peers, a group under way, and what is encoded for it.
const working = 256 << 20

// heapOf is what a leader of this configuration is meant to take of the heap that the
// collector sees: objects decoded of blocks, clients, its own work, and where there is
// no C library the blocks themselves and the memtables that fill and that are flushed.
func heapOf(cfg *node.Config) int64 {
	heap := cfg.Storage.Cache/4 + cfg.ClientMemory + working
	if !blocksOutside {
		heap += cfg.Storage.Cache + 3*node.DefaultMemTable
	}
	return heap
}

// limitMemory lets the garbage collector work harder near what the leader is meant
// to take of its heap. Without it megabytes that are garbage already may double the process:
// the collector would wait until the heap has grown by as much as is in use. It is
// a soft limit, and whoever sets GOMEMLIMIT knows better.
func limitMemory(cfg *node.Config) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapOf(cfg))
	}
}
