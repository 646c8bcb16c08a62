package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The kernel is told of about as many bytes as are asked for, wherever they lie.
func TestHugePagesAreAskedFor(t *testing.T) {
	const bytes = 64 << 20
	askHugePages(bytes)
	want := int64(bytes - 2*hugePage)
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		want = 0 // this kernel has none
	}
	if got := advised(t); got < want {
		t.Errorf("huge pages are asked for %d bytes; expected about %d", got, bytes)
	}
}

// advised is how many bytes of the process the kernel may give huge pages for.
func advised(t *testing.T) (bytes int64) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var kib int64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "Size: %d kB", &kib)
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && strings.Contains(flags+" ", " hg ") {
			bytes += kib << 10
		}
	}
	return bytes
}
