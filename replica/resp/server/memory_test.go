package server

import (
	"bytes"
	"testing"
)

// Copies of values share memory, and none is changed by what is copied or appended after it.
func TestCopiesOfValuesDoNotTouchEachOther(t *testing.T) {
	var c conn
	var copies [][]byte
	value := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, n) }
	for n := range 2 * valueChunk / 8 {
		b := value(n)
		own := c.bytes(b)
		clear(b)
		copies = append(copies, own)
	}
	for _, b := range copies {
		_ = append(b, "more"...)
	}
	for n, b := range copies {
		if b == nil || !bytes.Equal(b, value(n)) {
			t.Fatalf("the copy of %d bytes is %v", n, b)
		}
	}
}
