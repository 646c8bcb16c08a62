//go:build linux && !race

package cache

import (
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mappings is the memory of shared segments that is not the heap's, so that the garbage
// collector neither looks at it nor lets as much garbage gather as it takes. It is mapped
// in chunks of the size of huge pages: entries are found at random, and with small pages
// most of the time would go into finding the pages. The race detector would not see it.
type mappings struct {
	mu     sync.Mutex
	chunks [][]byte
	rest   []byte   // of the last chunk
	free   [][]byte // pieces that were given back, all of one size
}

const (
	minMapped = 64 << 10 // from which size on memory is not the heap's
	hugePage  = 2 << 20
)

// allocate is n bytes, n the same at each call; nil: there is no memory.
func (m *mappings) allocate(n int) []byte {
	if n < minMapped {
		return make([]byte, n)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if k := len(m.free); k > 0 {
		b := m.free[k-1]
		m.free = m.free[:k-1]
		return b
	}
	if len(m.rest) < n && !m.extend() {
		return nil
	}
	b := m.rest[:n:n]
	m.rest = m.rest[n:]
	return b
}

// extend maps one more chunk.
func (m *mappings) extend() bool {
	b, err := syscall.Mmap(-1, 0, 2*hugePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return false
	}
	m.chunks = append(m.chunks, b)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (hugePage - 1)
	m.rest = b[skip : skip+hugePage]
	_ = unix.Madvise(m.rest, unix.MADV_HUGEPAGE) // where there are none, small pages do
	return true
}

// release gives back what allocate gave.
func (m *mappings) release(b []byte) {
	if len(b) < minMapped {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, b)
}

// free gives everything back.
func (m *mappings) freeAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.chunks {
		_ = syscall.Munmap(b) // it was mapped
	}
	m.chunks, m.rest, m.free = nil, nil, nil
}
