package storage

// What tests of the encodings call.
var (
	AppendState, DecodeState               = appendState, decodeState
	AppendJudged, DecodeJudged             = appendJudged, decodeJudged
	AppendIncarnations, DecodeIncarnations = appendIncarnations, decodeIncarnations
	AppendDuplicates, DecodeDuplicates     = appendDuplicates, decodeDuplicates
)

// Misses is how many blocks were looked for in the cache and not found there.
func (s *Store) Misses() int64 { return s.db.Metrics().BlockCache.Misses }

// MaxConflictBytes is for tests that fill what is kept of conflicts.
const MaxConflictBytes = maxConflictBytes
