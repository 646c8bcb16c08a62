package command

import (
	"fmt"
	"strings"
	"testing"
)

// What is remembered of cursors is bounded in number and in bytes, and the newest
// stay.
func TestCursorsAreBounded(t *testing.T) {
	c := newCursors(64)
	for i := range 1000 {
		at := fmt.Sprintf("key-%d-%s", i, strings.Repeat("x", i%7*100000))
		id := c.put(at)
		if got, ok := c.get(id); !ok || got != at {
			t.Fatalf("position %d is not remembered", i)
		}
		if id == 0 || id >= 1<<53 || len(c.known) > 64 || len(c.order) != len(c.known) || c.bytes > maxCursorBytes || c.bytes != c.bytesOf(c.order) {
			t.Fatalf("number %d, %d remembered of %d bytes (%d counted)", id, len(c.known), c.bytesOf(c.order), c.bytes)
		}
	}
}
