package returning

import (
	"container/heap"
	"errors"
	"fmt"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/exported"
)

// chunkBytes is what the writes that wait to be exported may take in memory, but for one of
// each origin.
const chunkBytes = 8 << 20

// export writes every op that a client wrote, and that the store has beyond others, to a
// file. It returns how many there are; without any there is no file. Stopped is asked now
// and then.
func export(store *storage.Store, path string, h *exported.Header, upTo, others logical.Frontier, stopped func() bool) (writes uint64, err error) {
	w, err := exported.Create(path, h)
	if err != nil {
		return 0, err
	}
	m := &merge{store: store}
	for last := range upTo.All() {
		if known := others.At(last.Origin); known < last.Seq {
			m.all = append(m.all, &tail{next: logical.Dot{Origin: last.Origin, Seq: known + 1}, last: last.Seq})
		}
	}
	err = m.each(func(op *resolve.Op) error {
		switch {
		case stopped():
			return errStopped
		case op.IsExpiry(): // no client's
			return nil
		}
		return w.Put(op)
	})
	if err == nil && w.Writes() > 0 {
		err = w.Finish()
	} else {
		err = errors.Join(err, w.Abort())
	}
	if err != nil {
		return 0, err
	}
	return w.Writes(), nil
}

var errStopped = errors.New("the leader is stopped")

// merge yields the ends of several origins' logs in one order. Lamport stamps are greater
// than those of everything that was applied before (Lamport 1978), so by stamp, and dots
// where two are equal, is an order of cause and effect.
type merge struct {
	store *storage.Store
	all   []*tail // a heap
}

// tail is the end of an origin's log, of which some ops were read.
type tail struct {
	ops  []*resolve.Op
	next logical.Dot // to be read
	last logical.Seq
}

func (m *merge) each(yield func(*resolve.Op) error) error {
	for _, t := range m.all {
		if err := m.fill(t); err != nil {
			return err
		}
	}
	heap.Init(m)
	for len(m.all) > 0 {
		t := m.all[0]
		if err := yield(t.ops[0]); err != nil {
			return err
		}
		if t.ops = t.ops[1:]; len(t.ops) == 0 && t.next.Seq > t.last {
			heap.Pop(m)
			continue
		}
		if err := m.fill(t); err != nil {
			return err
		}
		heap.Fix(m, 0)
	}
	return nil
}

// fill reads the next ops of a tail that has none.
func (m *merge) fill(t *tail) (err error) {
	if len(t.ops) > 0 {
		return nil
	}
	const most = 1024
	t.ops, err = m.store.Ops(t.next.Origin, t.next.Seq, int(min(most, t.last-t.next.Seq+1)), chunkBytes/len(m.all))
	if err == nil && (len(t.ops) == 0 || t.ops[0].Dot != t.next) {
		err = fmt.Errorf("write %s is not in the log any more", t.next)
	}
	if err == nil {
		t.next.Seq += logical.Seq(len(t.ops))
	}
	return err
}

func (m *merge) Len() int      { return len(m.all) }
func (m *merge) Swap(i, j int) { m.all[i], m.all[j] = m.all[j], m.all[i] }
func (m *merge) Push(t any)    { m.all = append(m.all, t.(*tail)) }

func (m *merge) Less(i, j int) bool {
	a, b := m.all[i].ops[0], m.all[j].ops[0]
	if a.Lamport != b.Lamport {
		return a.Lamport < b.Lamport
	}
	return a.Dot.Compare(b.Dot) < 0
}

func (m *merge) Pop() any {
	last := m.all[len(m.all)-1]
	m.all = m.all[:len(m.all)-1]
	return last
}
