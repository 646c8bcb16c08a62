package history_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/storage/history"
)

// FuzzOpen: whatever the bytes, reading ends, takes no more memory than they do,
// and what passes for whole is what writing it again gives.
func FuzzOpen(f *testing.F) {
	fs := vfs.NewMem()
	whole := write(f, fs, header(), some(3))
	for _, text := range [][]byte{whole, whole[:len(whole)-7], write(f, fs, history.Header{}, nil), {}, []byte("KVDHIST1\x00\x10\x00\x00H\x00\x00\x00\x00")} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fs := vfs.NewMem()
		put(t, fs, "in", text)
		h, err := history.Open(history.Options{FS: fs, Path: "in", Partial: true})
		if err != nil {
			return
		}
		ops := slices.Collect(h.All())
		if h.Err() != nil || !h.Whole || h.Header.Validate() != nil {
			return
		}
		if again := write(t, fs, h.Header, ops); !bytes.Equal(again, text) {
			t.Fatalf("%d ops are written in other bytes", len(ops))
		}
	})
}
