//go:build linux && !race

package cache

import (
	"sync"
	"syscall"
)

// mappings is the memory of shared segments that is not the heap's, so that the garbage
// collector neither looks at it nor lets as much garbage gather as it takes. The race
// detector would not see it.
type mappings struct {
	mu  sync.Mutex
	all map[*byte][]byte
}

// minMapped is from which size on memory is not the heap's.
const minMapped = 64 << 10

// allocate is n zero bytes; nil: there is no memory.
func (m *mappings) allocate(n int) []byte {
	if n < minMapped {
		return make([]byte, n)
	}
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[*byte][]byte{}
	}
	m.all[&b[0]] = b
	return b
}

// release gives back what allocate gave.
func (m *mappings) release(b []byte) {
	if len(b) < minMapped {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, &b[0])
	_ = syscall.Munmap(b) // it was mapped
}

// free gives everything back.
func (m *mappings) free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.all {
		_ = syscall.Munmap(b) // it was mapped
	}
	m.all = nil
}
