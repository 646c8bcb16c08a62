package storage

import (
	"fmt"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/disk"
	"kvd/storage/internal/rows"
)

// Waiting is how far the ops reach, by origin, that were salvaged and are not
// applied again yet; empty: none is waiting.
func (s reads) Waiting() (logical.Frontier, error) {
	var f logical.Frontier
	for from := []byte{rows.Salvaged}; ; {
		var origin logical.Origin
		err := s.scan(from, []byte{rows.Salvaged + 1}, func(k, _ []byte) (bool, error) {
			origin = rows.DotOf(k).Origin
			return false, nil
		})
		if err != nil || origin == 0 {
			return f, wrap(err, "read salvaged ops")
		}
		last, err := s.lastWaiting(origin)
		if err != nil {
			return f, err
		}
		f.Advance(last)
		if origin == ^logical.Origin(0) {
			return f, nil
		}
		from = salvagedKey(logical.Dot{Origin: origin + 1})
	}
}

func (s reads) lastWaiting(o logical.Origin) (d logical.Dot, err error) {
	it, err := s.iterate(salvagedKey(logical.Dot{Origin: o}), salvagedKey(logical.Dot{Origin: o, Seq: ^logical.Seq(0)}))
	if err != nil {
		return d, wrap(err, "read salvaged ops")
	}
	defer it.Close()
	if it.Last() {
		d = rows.DotOf(it.Key())
	}
	return d, wrap(it.Error(), "read salvaged ops")
}

func salvagedKey(d logical.Dot) []byte { return rows.AppendDotKey(nil, rows.Salvaged, d) }

// WaitingOps lists origin's salvaged ops from seq from on, ascending, perhaps with
// gaps: at most maxOps, and no more than have maxBytes of keys and values; at least
// one if there is one. They are the caller's.
func (s reads) WaitingOps(origin logical.Origin, from logical.Seq, maxOps, maxBytes int) ([]*resolve.Op, error) {
	var ops []*resolve.Op
	err := s.scan(salvagedKey(logical.Dot{Origin: origin, Seq: from}), salvagedKey(logical.Dot{Origin: origin, Seq: ^logical.Seq(0)}), func(k, v []byte) (bool, error) {
		op, err := codec.DecodeOp(v)
		if err != nil {
			return false, fmt.Errorf("salvaged op %s: %w", rows.DotOf(k), err)
		}
		size := len(op.Key) + len(op.Value)
		if len(ops) > 0 && size > maxBytes {
			return false, nil
		}
		maxBytes -= size
		ops = append(ops, op)
		return len(ops) < maxOps, nil
	})
	return ops, wrap(err, "read salvaged ops")
}

// PutWaiting keeps an op, as [codec.AppendOp] wrote it, that is to be applied again.
func (b *Batch) PutWaiting(d logical.Dot, encoded []byte) {
	b.key, b.value = append(b.key[:0], salvagedKey(d)...), append(b.value[:0], encoded...)
	b.set()
}

// DropWaiting takes away the salvaged ops that f covers: they are in the log again.
func (b *Batch) DropWaiting(f logical.Frontier) {
	for d := range f.All() {
		end := d
		end.Seq++
		b.keep(b.b.DeleteRange(salvagedKey(logical.Dot{Origin: d.Origin}), salvagedKey(end), nil))
	}
}

// DropSalvaged takes away one salvaged op, which then is missing.
func (b *Batch) DropSalvaged(d logical.Dot) {
	b.key = append(b.key[:0], salvagedKey(d)...)
	b.drop()
}

// CheckLog holds the state's frontier against the log: each origin's ops must reach
// it, from the first on that is kept. It looks at the ends and at most probes ops between them,
// of all origins together, so that it costs the same for a store of any size. What is
// missing is ErrDamaged.
func (s reads) CheckLog(probes int) error {
	st, _, err := s.State()
	if err != nil {
		return err
	}
	each := logical.Seq(max(2, probes/max(1, st.Frontier.Len())))
	for d := range st.Frontier.All() {
		first := s.log.First(d.Origin)
		step := max(1, (d.Seq-min(first, d.Seq))/each)
		for seq := first; seq <= d.Seq; seq = min(seq+step, d.Seq) {
			if err := s.logged(logical.Dot{Origin: d.Origin, Seq: seq}); err != nil {
				return err
			}
			if seq == d.Seq {
				break
			}
		}
	}
	return nil
}

// logged fails unless the op is in the log.
func (s reads) logged(d logical.Dot) error {
	found, err := s.op(d, func([]byte) error { return nil })
	if err == nil && !found {
		err = fmt.Errorf("%w: the state says that op %s is applied, and the log does not have it", disk.ErrDamaged, d)
	}
	return err
}

// CheckWhole is CheckLog for every op, until more answers false.
func (s reads) CheckWhole(more func() bool) error {
	st, _, err := s.State()
	if err != nil {
		return err
	}
	for d := range st.Frontier.All() {
		next := s.log.First(d.Origin)
		err := s.LogEntries(d.Origin, next, func(seq logical.Seq, _ []byte) (bool, error) {
			if seq != next {
				return false, nil
			}
			next++
			return next <= d.Seq && more(), nil
		})
		switch {
		case err != nil:
			return err
		case !more():
			return nil
		case next <= d.Seq:
			return fmt.Errorf("%w: the state says that origin %s reaches %d, and the log lacks op %d", disk.ErrDamaged, d.Origin, d.Seq, next)
		}
	}
	return nil
}
