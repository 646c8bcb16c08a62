// Package cache holds byte strings by key within a bound of bytes: the encoded objects of
// a leader. A million of them are a few thousand segments and an index without pointers,
// which the garbage collector does not look through.
//
//	key ─ hash ─▶ table ─ slot: tag, used, reference ─▶ segment ─ entry: head, key, value
//
// Small entries lie one behind the other in segments of one size, outside of the heap where
// the system allows it. A large entry is a segment of its own, which nobody writes to again.
//
// What goes first is what was not asked for since the cleaner came by (second chance). The
// cleaner empties one segment at a time: the one with the least in it if that is at most
// half, and moves all of it; else the oldest, and moves what was used, three quarters of a
// segment at most. So what is overwritten or dropped leaves no hole for long, whatever the
// sizes, and a put never moves much more than a segment.
//
// What the package is not: it knows no objects, and locks nothing. Whoever holds a cache
// keeps writers apart from everybody. Readers may read at the same time.
//
// Invariants:
//
//   - the bytes of all segments, their descriptions and the index are within the limit;
//   - what is found is what was put last, and what was dropped is not found;
//   - unless Lost, everything is there that was put and not dropped.
//
// Files: cache.go (get, put, drop), touch.go (reading ahead), segment.go (where entries lie), clean.go (what goes),
// index.go (how they are found), memory_mmap.go and memory_heap.go (memory).
package cache
