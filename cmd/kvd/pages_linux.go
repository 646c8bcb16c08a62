package main

import (
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of the pages that the system is asked for.
const hugePage = 2 << 20

// askHugePages asks the system for huge pages where the first bytes of the heap will lie.
// What a leader reads and writes lies far apart: with small pages much of its time goes
// into finding the pages. The runtime has no setting for it. It takes what it has mapped
// before it maps more, so this maps as much, says how it is wanted, and leaves it untouched.
// Where the system gives no huge pages, nothing changes.
func askHugePages(bytes int64) {
	b := make([]byte, bytes)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (hugePage - 1)
	if whole := (len(b) - skip) &^ (hugePage - 1); whole > 0 {
		_ = unix.Madvise(b[skip:skip+whole], unix.MADV_HUGEPAGE)
	}
	b = nil
	debug.FreeOSMemory() // else it would count as in use until the collector comes
}
