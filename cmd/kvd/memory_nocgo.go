//go:build !cgo

package main

// blocksOutside says that pebble takes its blocks and memtables from the C library,
// which the collector knows nothing of.
const blocksOutside = false
