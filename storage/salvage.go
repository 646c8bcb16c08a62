package storage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/codec"
	"kvd/storage/disk"
	"kvd/storage/internal/rows"
	"kvd/storage/log"
	"kvd/storage/salvage"
)

// Salvaged is what was found in the files of a damaged store.
type Salvaged struct {
	Ops          int64            // of the log
	Claimed      logical.Frontier // how far the store had come, by what is left of it
	Incarnations []logical.Origin // the leader's own, ascending
	salvage.Report
}

// Salvage reads every file of the damaged store in dir, whether pebble still knows
// of it or not, and puts the log's ops into to, where they wait to be applied
// again ([Store.Waiting]). A dot has one content for ever, so it does not matter
// which of several files an op is taken from. Everything else a store holds
// follows from the log, but for what other leaders have under its dots, which is kept
// as it was ([Batch.PutConflict]). Dir stays as it is; a store that is open elsewhere is
// refused with ErrInUse.
func Salvage(fs vfs.FS, dir string, to *Store) (*Salvaged, error) {
	s := salvaging{to: to.NewBatch(), found: &Salvaged{}}
	defer s.to.Close()
	report, err := salvage.Read(fs, dir, salvage.Rows{
		Letters: []byte{rows.Log, rows.Meta, rows.Salvaged, rows.Conflicts, rows.Settled},
		Take:    s.take, KeyOf: logKeyOf, Skip: skipOps,
	})
	if err != nil {
		return nil, fmt.Errorf("salvage %s: %w", dir, err)
	}
	s.found.Report = *report
	damaged, err := log.Salvage(fs, fs.PathJoin(dir, disk.LogDir), s.takeEntry)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // an older store has no log, and a log may be lost
		return nil, fmt.Errorf("salvage %s: %w", dir, err)
	}
	for _, r := range damaged {
		s.found.Unread = append(s.found.Unread, fmt.Sprintf("log from %x to %x", uint64(r.From), uint64(r.To)))
	}
	s.to.PutIncarnations(s.found.Incarnations)
	return s.found, s.to.commit(true)
}

type salvaging struct {
	to    *Batch
	found *Salvaged
}

// logKeyOf is the key of an op, which names its dot; nil: it is none.
func logKeyOf(v []byte) []byte {
	op, err := codec.DecodeOp(v)
	if err != nil {
		return nil
	}
	return rows.AppendLogKey(nil, op.Dot)
}

// skipOps is the key of the op that is so many further in the log of the one at hand.
func skipOps(at []byte, ops uint64, up bool) []byte {
	if len(at) < rows.LogKeyBytes || ops > 1<<40 {
		return nil
	}
	d := rows.DotOf(at)
	switch {
	case up:
		d.Seq += logical.Seq(ops)
	case d.Seq == 0:
		return nil
	default:
		d.Seq -= min(logical.Seq(ops), d.Seq)
	}
	return rows.AppendDotKey(nil, at[0], d)
}

// takeEntry takes an op of the log, or rows that were written with some.
func (s *salvaging) takeEntry(e log.Entry) error {
	if !e.Dot.IsZero() {
		return s.take(rows.AppendLogKey(nil, e.Dot), e.Bytes)
	}
	note := pebble.Batch{}
	if err := note.SetRepr(bytes.Clone(e.Bytes)); err != nil {
		return nil
	}
	for r := note.Reader(); ; {
		kind, k, v, more, err := r.Next()
		switch {
		case err != nil || !more:
			return nil
		case kind == pebble.InternalKeyKindSet:
			if err := s.take(k, v); err != nil {
				return err
			}
		}
	}
}

// take takes a row of the log, or what says how far the log went.
func (s *salvaging) take(k, v []byte) error {
	switch {
	case len(k) == rows.LogKeyBytes && (k[0] == rows.Log || k[0] == rows.Salvaged):
		s.found.Claimed = join(s.found.Claimed, rows.DotOf(k)) // its value may be in another file, or nowhere any more
		op, err := codec.DecodeOp(v)
		if err != nil || !bytes.Equal(rows.AppendLogKey(nil, op.Dot)[1:], k[1:]) {
			return nil
		}
		s.found.Ops++
		s.to.PutWaiting(op.Dot, v)
		return s.to.commitLarge()
	case len(k) > 0 && (k[0] == rows.Conflicts || k[0] == rows.Settled):
		s.takeConflict(k, v)
		return s.to.commitLarge()
	case bytes.Equal(k, rows.AppendStateKey(nil)):
		if st, err := rows.DecodeState(v); err == nil {
			s.found.Claimed = s.found.Claimed.Join(st.Frontier)
		}
	case bytes.Equal(k, rows.AppendIncarnationsKey(nil)):
		if origins, err := rows.DecodeIncarnations(v); err == nil {
			s.found.Incarnations = slices.Compact(sorted(append(s.found.Incarnations, origins...)))
		}
	}
	return nil
}

func sorted(origins []logical.Origin) []logical.Origin {
	slices.Sort(origins)
	return origins
}

// join is f with d covered.
func join(f logical.Frontier, d logical.Dot) logical.Frontier {
	if !f.Covers(d) {
		f.Advance(d)
	}
	return f
}
