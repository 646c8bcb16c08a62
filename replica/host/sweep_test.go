package host_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A page of the sweep ends where its objects come to much: large values must not
// be read at the rate of small ones. What has ended behind them is found all the
// same.
func TestAPageOfTheSweepIsBoundedInBytes(t *testing.T) {
	s := openStore(t, vfs.NewMem())
	t.Cleanup(func() { s.Close() })
	p := open(t, s, 7, nil)
	ends := set("z", "1")
	ends.Expires = epoch + 1e9
	step(t, p, set("a", strings.Repeat("v", 200<<10)), set("b", strings.Repeat("v", 200<<10)), set("c", strings.Repeat("v", 200<<10)), ends)
	commit(t, p)
	w := p.NewSweeper()
	for page, want := range []struct {
		found int
		end   bool
	}{{0, false}, {1, true}} {
		found, _, end, err := w.Next(epoch+60e9, 1000)
		if err != nil || len(found.Keys) != want.found || end != want.end {
			t.Errorf("page %d has %d keys that have ended, and ends %v, %v; expected %+v", page, len(found.Keys), end, err, want)
		}
	}
	p.Close()
}
