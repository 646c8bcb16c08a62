package storage

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// separateFrom is from how many bytes on a value stands in a file for such values
// alone, each in a block of its own, and its row says where. Within a table it would
// make a block of itself and its neighbours: to look one of those up would mean to
// read and to unpack all of it, again and again where no part of the block cache can
// hold as much; and whatever compacts its neighbours would write it anew. Four blocks'
// worth harms nobody.
const separateFrom = 16 << 10

// separation is how pebble goes about it.
func separation() pebble.ValueSeparationPolicy {
	return pebble.ValueSeparationPolicy{
		Enabled:               true,
		MinimumSize:           separateFrom,
		MaxBlobReferenceDepth: 10,
		RewriteMinimumAge:     time.Minute,
		TargetGarbageRatio:    0.3, // of what no row names any more
	}
}

// spans keeps the rows before the objects' in their tables, however large: what others
// have under dots of the log must not be taken for the log's own by who salvages ops
// from files of values, which do not say whose a value is.
func spans(start []byte) (p pebble.SpanPolicy, end []byte, err error) {
	if len(start) > 0 && start[0] > inConflicts {
		return p, nil, nil
	}
	return pebble.SpanPolicy{ValueStoragePolicy: pebble.ValueStorageLowReadLatency}, []byte{inConflicts + 1}, nil
}
