// Package ahead reads the log ahead of whoever folds it into objects: groups are decoded,
// and what is stored of their keys is read, by several goroutines and in the order of the
// keys, before the first of them is folded.
//
//	log ─ Take ─▶ groups, decoded ─ Fetch ─▶ objects of their keys ─▶ folded one by one
//
// What the package is not: it folds nothing, and what it could not read it leaves out, so
// that whoever folds meets the error where it is.
package ahead

import (
	"fmt"
	"slices"
	"sync"

	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/log"
)

// Group is a group of the log in memory of its own.
type Group struct {
	Notes [][]byte
	Ops   []*resolve.Op
	End   log.Position
}

// Take copies a group, and says how many bytes the log has of it.
func Take(g log.Group) (own Group, bytes int, err error) {
	own.End = g.End
	for _, e := range g.Entries {
		bytes += len(e.Bytes)
		if e.Dot.IsZero() {
			own.Notes = append(own.Notes, slices.Clone(e.Bytes))
			continue
		}
		op, err := codec.DecodeOp(e.Bytes)
		if err != nil {
			return own, bytes, fmt.Errorf("op %s: %w", e.Dot, err)
		}
		own.Ops = append(own.Ops, op)
	}
	return own, bytes, nil
}

// readers read at the same time, where there are at least minFetched keys: one waits for
// the disk or unpacks blocks while another does.
const readers, minFetched = 8, 1 << 10

// Fetch adds to objects what read finds of the keys of the groups that are not there yet, if
// those are many. Several goroutines call read.
func Fetch(groups []Group, objects map[string]*resolve.Object, read func(key string) (*resolve.Object, error)) {
	var keys []string
	for i := range groups {
		for _, op := range groups[i].Ops {
			if objects[op.Key] == nil {
				keys = append(keys, op.Key)
			}
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) < minFetched {
		return
	}
	found := make([]*resolve.Object, len(keys))
	var reading sync.WaitGroup
	for part := range readers {
		reading.Go(func() {
			for i := part * len(keys) / readers; i < (part+1)*len(keys)/readers; i++ {
				found[i], _ = read(keys[i])
			}
		})
	}
	reading.Wait()
	for i, o := range found {
		if o != nil {
			objects[keys[i]] = o
		}
	}
}
