package storage_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
)

// A pass over the keys puts the objects that wait into the database once, at its begin: if
// each page did, no batch would ever be large. No time goes by here, so nothing else does.
func TestAPassOverTheKeysFlushesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "leader", WriteBehind: 1 << 20, Cache: 1 << 20, MemTable: 1 << 20})
		must(t, err)
		defer s.Close()
		b := s.NewBatch()
		defer b.Close()
		put := func(n int, key string) {
			overwriteOne(b, logical.Seq(n), key, 10)
			must(t, b.Commit())
		}
		keys := func(after string) (all []string) {
			must(t, s.Keys(after, func(key, _ []byte) (bool, error) {
				all = append(all, string(key))
				return true, nil
			}))
			return all
		}
		put(1, "a")
		if got := keys(""); !slices.Equal(got, []string{"a"}) {
			t.Errorf("the first page has %q", got)
		}
		put(2, "b")
		if got := keys("a"); len(got) != 0 {
			t.Errorf("the next page has put %q into the database", got)
		}
		if o, err := s.Object("b"); err != nil || len(o.Versions) != 1 {
			t.Errorf("what waits is read as %+v, %v", o, err)
		}
		if got := keys(""); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("the next pass has %q", got)
		}
	})
}
