package storage_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/codec/codectest"
)

// TestLogEntries: the entries of one origin come in order, from the place named,
// in the bytes AppendOp writes, and end where yield says.
func TestLogEntries(t *testing.T) {
	s := open(t, small(vfs.NewMem()))
	commit(t, s, func(b *storage.Batch) {
		for _, origin := range []logical.Origin{ownOrigin - 1, ownOrigin, ownOrigin + 1} {
			for _, seq := range []logical.Seq{1, 2, 3, 4, 5} {
				op := codectest.TypicalOp()
				op.Dot = logical.Dot{Origin: origin, Seq: seq}
				b.PutOp(op)
			}
		}
	})
	read := func(from logical.Seq, most int) (got []logical.Seq) {
		must(t, s.LogEntries(ownOrigin, from, func(seq logical.Seq, encoded []byte) (bool, error) {
			op := codectest.TypicalOp()
			op.Dot = logical.Dot{Origin: ownOrigin, Seq: seq}
			if !bytes.Equal(encoded, codec.AppendOp(nil, op)) {
				t.Errorf("seq %d: %x is not the op's encoding", seq, encoded)
			}
			got = append(got, seq)
			return len(got) < most, nil
		}))
		return got
	}
	for _, c := range []struct {
		from logical.Seq
		most int
		want []logical.Seq
	}{
		{0, 9, []logical.Seq{1, 2, 3, 4, 5}},
		{3, 9, []logical.Seq{3, 4, 5}},
		{2, 2, []logical.Seq{2, 3}},
		{5, 9, []logical.Seq{5}},
		{6, 9, nil},
	} {
		if got := read(c.from, c.most); !slices.Equal(got, c.want) {
			t.Errorf("from %d, at most %d: got %v, want %v", c.from, c.most, got, c.want)
		}
	}
	broken := errors.New("the reader hung up")
	err := s.LogEntries(ownOrigin, 1, func(logical.Seq, []byte) (bool, error) { return true, broken })
	if !errors.Is(err, broken) {
		t.Errorf("yield's error became %v", err)
	}
}
