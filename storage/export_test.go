package storage

// Misses is how many blocks were looked for in the cache and not found there.
func (s *Store) Misses() int64 { return s.db.Metrics().BlockCache.Misses }
