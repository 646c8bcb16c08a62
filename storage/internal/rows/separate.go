package rows

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// separateFrom is the size in bytes from which a value is kept in a file for such values
// only, each in a block of its own; its row says where. Within a table it would share a
// block with its neighbours: reading one of those would read and unpack all of it, again
// and again where no part of the block cache can hold as much, and every compaction of
// its neighbours would write it again. A value of up to four blocks does no harm.
const separateFrom = 16 << 10

// Separation is what pebble is told of it.
func Separation() pebble.ValueSeparationPolicy {
	return pebble.ValueSeparationPolicy{
		Enabled:               true,
		MinimumSize:           separateFrom,
		MaxBlobReferenceDepth: 10,
		RewriteMinimumAge:     time.Minute,
		TargetGarbageRatio:    0.3, // of what no row names any more
	}
}

// Spans keeps the rows before the objects' in their tables, however large: what others
// have under dots of the log must not be taken for the log's own by package salvage,
// because files of values do not say whose a value is.
func Spans(start []byte) (p pebble.SpanPolicy, end []byte, err error) {
	if len(start) > 0 && start[0] > Conflicts {
		return p, nil, nil
	}
	return pebble.SpanPolicy{ValueStoragePolicy: pebble.ValueStorageLowReadLatency}, []byte{Conflicts + 1}, nil
}
