package storage

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/storage/codec"
	"kvd/storage/internal/rows"
)

// Dots that were given twice, by a leader and a copy of it. What another leader has
// under a dot of the log is kept beside the log, each content once, and by which op a
// dot is settled, whether its contents are known here or not: either may be heard of
// first. How much there is stands in a row of its own, so that nobody counts.

// maxConflictBytes is how much is kept of what others have under dots of the log.
// Where more does not fit, contents of settled dots are dropped first; when all are open,
// what is found is counted and not kept. It is found again after a start, once
// those that were kept are settled.
const maxConflictBytes = 2 * limits.Op

// Conflicts is how many dots have two contents.
type Conflicts = rows.Conflicted

// conflicts is the counts as of the running batch. It belongs to whoever lengthens logs
// and puts conflicts; batches of others do not touch it.
type conflicts struct {
	Conflicts
	loaded, touched bool
	limit           int64 // zero: maxConflictBytes
	// What the running batch has put and no read shows yet.
	contents map[string]bool
	dots     map[logical.Dot]bool
	settled  map[logical.Dot]bool
}

// loadConflicts reads, once, what the store holds. It counts what an older store
// holds, and gives up the count of what was omitted when that can be found and kept
// again.
func (s *Store) loadConflicts() error {
	if s.conflicts.loaded {
		return nil
	}
	counted, err := s.get(rows.ConflictStatsKey(), func([]byte) error { return nil })
	if err != nil {
		return wrap(err, "read how many conflicts there are")
	}
	stats, err := s.ConflictStats()
	if err != nil {
		return err
	}
	t := conflicts{Conflicts: stats, loaded: true, touched: !counted && stats.Dots > 0, limit: s.conflicts.limit,
		contents: map[string]bool{}, dots: map[logical.Dot]bool{}, settled: map[logical.Dot]bool{}}
	if t.Omitted > 0 && t.Open == 0 {
		t.Omitted, t.touched = 0, true
	}
	s.conflicts = t
	return nil
}

// PutConflict keeps an op that another leader has under a dot under which the log
// has another, if it fits. Each content is kept once.
func (b *Batch) PutConflict(o *resolve.Op) {
	if b.refuse(codec.CheckOp(o)) || b.refuse(b.store.loadConflicts()) {
		return
	}
	b.contests = true
	t := &b.store.conflicts
	value := codec.AppendOp(nil, o)
	key := appendConflictKey(nil, o.Dot, value)
	if t.contents[string(key)] || b.holds(key) {
		return
	}
	settled := b.isSettled(o.Dot)
	t.touched = true
	if !b.makeSpace(int64(len(key)+len(value)), settled) {
		return
	}
	if !t.dots[o.Dot] && !b.hasContents(o.Dot) {
		t.Dots++
		if !settled {
			t.Open++
		}
	}
	t.Bytes += int64(len(key) + len(value))
	t.contents[string(key)], t.dots[o.Dot] = true, true
	b.key, b.value = append(b.key[:0], key...), append(b.value[:0], value...)
	b.set()
}

// makeSpace drops what may go until so many bytes fit, and reports whether they do. A
// content of a settled dot displaces nothing.
func (b *Batch) makeSpace(n int64, settled bool) bool {
	t := &b.store.conflicts
	limit := int64(maxConflictBytes)
	if t.limit > 0 {
		limit = t.limit
	}
	if t.Bytes+n <= limit {
		return true
	}
	if settled {
		return false
	}
	if t.Dots > t.Open {
		b.dropSettled(t.Bytes + n - limit + limit/16)
	}
	if t.Bytes+n > limit {
		t.Omitted++
		return false
	}
	return true
}

// dropSettled drops contents of settled dots, as many as have so many bytes.
func (b *Batch) dropSettled(n int64) {
	t := &b.store.conflicts
	last, settled := logical.Dot{}, false
	err := b.store.scan([]byte{rows.Conflicts}, []byte{rows.Conflicts + 1}, func(k, v []byte) (bool, error) {
		d := rows.DotOf(k)
		if d != last {
			if n <= 0 {
				return false, nil // all contents of a dot went, or none
			}
			if last, settled = d, b.isSettled(d); settled {
				t.Dots--
			}
		}
		if settled {
			b.key = append(b.key[:0], k...)
			b.drop()
			n -= int64(len(k) + len(v))
			t.Bytes -= int64(len(k) + len(v))
		}
		return true, nil
	})
	b.keep(wrap(err, "drop conflicts"))
}

// PutSettled remembers by which op a dot that was given twice is settled. What settled
// it first stays.
func (b *Batch) PutSettled(d, by logical.Dot) {
	if b.refuse(b.store.loadConflicts()) || b.isSettled(d) {
		return
	}
	b.contests = true
	t := &b.store.conflicts
	if t.dots[d] || b.hasContents(d) {
		t.Open--
		t.touched = true
	}
	t.settled[d] = true
	b.key = rows.AppendDotKey(b.key[:0], rows.Settled, d)
	b.value = codec.AppendPlainDot(b.value[:0], by)
	b.set()
}

// isSettled counts what the running batch has put.
func (b *Batch) isSettled(d logical.Dot) bool {
	return b.store.conflicts.settled[d] || b.holds(rows.AppendDotKey(nil, rows.Settled, d))
}

// hasContents reports whether the store keeps another content of d.
func (b *Batch) hasContents(d logical.Dot) (has bool) {
	err := b.store.contentsOf(d, func(_, _ []byte) (bool, error) {
		has = true
		return false, nil
	})
	b.keep(err)
	return has
}

// holds reports whether the store has the key.
func (b *Batch) holds(key []byte) bool {
	found, err := b.store.get(key, func([]byte) error { return nil })
	b.keep(err)
	return found
}

// putConflictStats writes the counts as of this batch.
func (b *Batch) putConflictStats() {
	b.keep(b.store.loadConflicts())
	t := &b.store.conflicts
	if t.touched {
		b.key = append(b.key[:0], rows.ConflictStatsKey()...)
		b.value = rows.AppendConflicted(b.value[:0], t.Conflicts)
		b.set()
	}
	t.touched = false
	clear(t.contents)
	clear(t.dots)
	clear(t.settled)
}

// ConflictStats is how many dots have two contents.
func (s reads) ConflictStats() (c Conflicts, err error) {
	found, err := s.get(rows.ConflictStatsKey(), func(v []byte) (err error) {
		c, err = rows.DecodeConflicted(v)
		return err
	})
	if err != nil || found {
		return c, wrap(err, "read how many conflicts there are")
	}
	last := logical.Dot{}
	err = s.scan([]byte{rows.Conflicts}, []byte{rows.Conflicts + 1}, func(k, v []byte) (bool, error) {
		c.Bytes += int64(len(k) + len(v))
		d := rows.DotOf(k)
		if d == last {
			return true, nil
		}
		last = d
		c.Dots++
		_, settled, err := s.SettledBy(d)
		if !settled {
			c.Open++
		}
		return true, err
	})
	return c, wrap(err, "count conflicts")
}

// SettledBy is the op that settles a dot which was given twice; false: none does.
func (s reads) SettledBy(d logical.Dot) (by logical.Dot, settled bool, err error) {
	by, settled, err = s.dot(rows.AppendDotKey(nil, rows.Settled, d))
	return by, settled, wrap(err, "read what settles "+d.String())
}

// Settled yields the dots that were given twice and are settled, each with the op that
// settles it, by dot, until yield answers false.
func (s reads) Settled(yield func(d, by logical.Dot) bool) error {
	err := s.scan([]byte{rows.Settled}, []byte{rows.Settled + 1}, func(k, v []byte) (bool, error) {
		by, err := codec.DecodePlainDot(v)
		return err == nil && yield(rows.DotOf(k), by), err
	})
	return wrap(err, "read which dots are settled")
}

// Conflicts yields what [Batch.PutConflict] kept of the dots after one, by dot, until
// yield answers false; the zero dot is before all.
func (s reads) Conflicts(after logical.Dot, yield func(*resolve.Op) bool) error {
	after.Seq++ // no log comes to its end
	err := s.scan(rows.AppendDotKey(nil, rows.Conflicts, after), []byte{rows.Conflicts + 1}, func(_, v []byte) (bool, error) {
		op, err := codec.DecodeOp(v)
		if err != nil {
			return false, err
		}
		return yield(op), nil
	})
	return wrap(err, "read conflicts")
}

// ConflictsOf is what was kept of one dot.
func (s reads) ConflictsOf(d logical.Dot) (ops []*resolve.Op, err error) {
	err = s.contentsOf(d, func(_, v []byte) (bool, error) {
		op, err := codec.DecodeOp(v)
		ops = append(ops, op)
		return true, err
	})
	return ops, wrap(err, "read the contents of "+d.String())
}

func (s reads) contentsOf(d logical.Dot, use func(k, v []byte) (bool, error)) error {
	beyond := d
	beyond.Seq++
	return s.scan(rows.AppendDotKey(nil, rows.Conflicts, d), rows.AppendDotKey(nil, rows.Conflicts, beyond), use)
}

// Contested reports whether a dot of the origin has another content elsewhere.
func (s reads) Contested(o logical.Origin) (is bool, err error) {
	err = s.scan(rows.AppendDotKey(nil, rows.Conflicts, logical.Dot{Origin: o}), rows.AppendDotKey(nil, rows.Conflicts, logical.Dot{Origin: o, Seq: ^logical.Seq(0)}),
		func(_, _ []byte) (bool, error) {
			is = true
			return false, nil
		})
	return is, wrap(err, "read conflicts of "+o.String())
}

func appendConflictKey(dst []byte, d logical.Dot, encoded []byte) []byte {
	return binary.BigEndian.AppendUint64(rows.AppendDotKey(dst, rows.Conflicts, d), xxhash.Sum64(encoded))
}

// takeConflict takes a row of what is known of dots that were given twice.
func (s *salvaging) takeConflict(k, v []byte) {
	switch k[0] {
	case rows.Conflicts:
		if op, err := codec.DecodeOp(v); err == nil && string(appendConflictKey(nil, op.Dot, v)) == string(k) {
			s.to.PutConflict(op)
		}
	case rows.Settled:
		if by, err := codec.DecodePlainDot(v); err == nil && len(k) == rows.LogKeyBytes {
			s.to.PutSettled(rows.DotOf(k), by)
		}
	}
}
