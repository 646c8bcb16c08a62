package storage

import (
	"github.com/cespare/xxhash/v2"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/internal/rows"
)

// What a log adds up to: the sum of the hashes of its ops' encodings, each of which
// holds its dot. Two leaders whose logs of an origin hold the same ops have the same
// sum, and others almost surely not; and what is between two seqs has the
// difference of their sums. The sum at the end of each log is stored with the batch
// that lengthens it, and those at every SumSpan ops stay.
//
// A store of an older program has none: the log is then added up once, when it is
// first asked for or lengthened.

// SumSpan is how many ops lie between two sums that stay.
const SumSpan = 256

// sums is what the logs add up to as of the running batch. It belongs to whoever
// lengthens logs; batches of others do not touch it.
type sums struct {
	of      map[logical.Origin]*logSum
	touched []logical.Origin // not stored as they are
}

// logSum is where one log has come to.
type logSum struct {
	last, span point
	touched    bool
	broken     bool // the log has a gap, or an op was put again: nothing is known
}

type point struct {
	seq logical.Seq
	sum uint64
}

// Sum is what the log of through's origin adds up to as far as that, the running
// batch included; false: it is not the end of the log nor a multiple of 256, or the
// log does not reach it. Only the goroutine that fills batches may ask.
func (s *Store) Sum(through logical.Dot) (uint64, bool, error) {
	t, err := s.logSum(through.Origin)
	switch {
	case err != nil || t.broken || through.Seq == 0:
		return 0, false, err
	case through.Seq == t.last.seq:
		return t.last.sum, true, nil
	case through.Seq == t.span.seq:
		return t.span.sum, true, nil
	case through.Seq > t.last.seq || through.Seq%SumSpan != 0:
		return 0, false, nil
	}
	p, found, err := s.point(rows.AppendDotKey(nil, rows.Sums, through))
	return p.sum, found, wrap(err, "read sum of "+through.String())
}

// logSum is the origin's, read or counted when it is first asked for.
func (s *Store) logSum(o logical.Origin) (*logSum, error) {
	if t := s.sums.of[o]; t != nil {
		return t, nil
	}
	t := &logSum{}
	var found bool
	var err error
	if t.last, found, err = s.point(rows.AppendSumKey(nil, o)); err == nil && found {
		found = s.log.Last(o) == t.last.seq // else an older program lengthened it
	}
	if err == nil && !found {
		err = s.count(o, t)
	}
	if err != nil {
		return nil, wrap(err, "add up the log of "+o.String())
	}
	if s.sums.of == nil {
		s.sums.of = map[logical.Origin]*logSum{}
	}
	s.sums.of[o] = t
	return t, nil
}

// count adds up a log from its beginning.
func (s *Store) count(o logical.Origin, t *logSum) error {
	*t = logSum{broken: s.log.First(o) > 1}
	var scratch []byte
	err := s.LogEntries(o, 1, func(seq logical.Seq, encoded []byte) (bool, error) {
		op, err := codec.DecodeOp(encoded)
		if err != nil {
			return false, err
		}
		scratch = codec.AppendOp(scratch[:0], op) // as it is written now, whoever wrote it
		t.add(seq, scratch)
		return !t.broken, nil
	})
	if t.last.seq > 0 || t.broken {
		s.touch(o, t)
	}
	return err
}

func (t *logSum) add(seq logical.Seq, encoded []byte) {
	if seq != t.last.seq+1 {
		t.broken = true
		return
	}
	t.last = point{seq, t.last.sum + xxhash.Sum64(encoded)}
	if seq%SumSpan == 0 {
		t.span = t.last
	}
}

func (s *Store) touch(o logical.Origin, t *logSum) {
	if !t.touched {
		t.touched = true
		s.sums.touched = append(s.sums.touched, o)
	}
}

// addUp takes in an op that was put with that encoding.
func (b *Batch) addUp(op *resolve.Op, encoded []byte) {
	t, err := b.store.logSum(op.Dot.Origin)
	if err != nil {
		b.keep(err)
		return
	}
	t.add(op.Dot.Seq, encoded)
	b.store.touch(op.Dot.Origin, t)
	if !t.broken && t.span.seq == op.Dot.Seq {
		b.key = rows.AppendDotKey(b.key[:0], rows.Sums, op.Dot)
		b.value = rows.AppendSum(b.value[:0], t.span.seq, t.span.sum)
		b.set()
	}
}

// putSums writes the ends of the logs that grew. A batch that lengthens none leaves
// them alone: they are another's, which may be filled at this moment.
func (b *Batch) putSums() {
	if !b.lengthens {
		return
	}
	for _, o := range b.store.sums.touched {
		t := b.store.sums.of[o]
		b.key = rows.AppendSumKey(b.key[:0], o)
		if t == nil || t.broken {
			b.drop()
			continue
		}
		t.touched = false
		b.value = rows.AppendSum(b.value[:0], t.last.seq, t.last.sum)
		b.set()
	}
	b.store.sums.touched = b.store.sums.touched[:0]
}

// forgetSums drops what a batch that is given up has added.
func (b *Batch) forgetSums() {
	if !b.lengthens {
		return
	}
	for _, o := range b.store.sums.touched {
		delete(b.store.sums.of, o)
	}
	b.store.sums.touched = b.store.sums.touched[:0]
}

// point reads a sum. One over ops of another format counts as none.
func (s *Store) point(key []byte) (p point, found bool, err error) {
	found, err = s.get(key, func(v []byte) (err error) {
		p.seq, p.sum, err = rows.DecodeSum(v)
		return err
	})
	return p, found && p.seq > 0, err
}

// Same reports whether the log holds an op under the dot of o, and whether it is the
// same in all that is stored.
func (s reads) Same(o *resolve.Op) (same, found bool, err error) {
	mine, found, err := s.Op(o.Dot)
	if err != nil || !found {
		return false, false, err
	}
	return codec.SameOp(mine, o), true, nil
}
