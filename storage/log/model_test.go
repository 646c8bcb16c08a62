package log_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/storage/log"
)

// model is what a log must have: every group written, and how many of them were synced.
type model struct {
	fs      *vfs.MemFS
	log     *log.Log
	segment int64
	groups  []log.Group
	synced  int
	removed int // how many of the first groups are not kept any more
	seqs    map[logical.Origin]logical.Seq
	pending []log.Entry
}

// TestModel appends, syncs, reads, closes and crashes in any order. What was synced is
// there after a crash; of what was not, a number of whole groups from the first on.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{fs: vfs.NewCrashableMem(), segment: rapid.SampledFrom([]int64{1, 300, 5000, 100_000}).Draw(t, "segment"), seqs: map[logical.Origin]logical.Seq{}}
		m.open(t)
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "write": m.write, "sync": m.sync, "abandon": m.abandon, "read": m.read, "find": m.find, "remove": m.remove,
			"close": m.close, "crash": m.crash, "": m.agrees,
		})
		m.fatal(t, m.log.Close())
	})
}

func (m *model) fatal(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (m *model) open(t *rapid.T) {
	l, err := log.Open(log.Options{FS: m.fs, Dir: dir, SegmentBytes: m.segment})
	m.fatal(t, err)
	m.log = l
}

func (m *model) append(t *rapid.T) {
	for range rapid.IntRange(1, 8).Draw(t, "entries") {
		o := logical.Origin(rapid.IntRange(0, 3).Draw(t, "origin"))
		size := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 70_000)).Draw(t, "size")
		e := entry(o, 0, size)
		if o != 0 {
			m.seqs[o]++
			e = entry(o, m.seqs[o], size)
		}
		appendEntry(m.log, e)
		m.pending = append(m.pending, e)
	}
}

func (m *model) write(t *rapid.T) {
	end, err := m.log.Write()
	m.fatal(t, err)
	if len(m.pending) > 0 {
		m.groups = append(m.groups, log.Group{Entries: m.pending, End: end})
		m.pending = nil
	}
}

func (m *model) sync(t *rapid.T) {
	end, err := m.log.Sync()
	m.fatal(t, err)
	if end != m.log.End() || end != m.log.Synced() {
		t.Fatalf("synced %s of %s", end, m.log.End())
	}
	m.synced = len(m.groups)
}

// abandon takes the pending ops back.
func (m *model) abandon(*rapid.T) {
	m.log.Abandon()
	for _, e := range m.pending {
		if !e.Dot.IsZero() {
			m.seqs[e.Dot.Origin]--
		}
	}
	m.pending = nil
}

func (m *model) read(t *rapid.T) {
	n := rapid.IntRange(m.removed, len(m.groups)).Draw(t, "from")
	from := log.Position(0)
	if n > m.removed {
		from = m.groups[n-1].End
	}
	got, err := readFrom(m.log, from)
	m.fatal(t, err)
	m.equal(t, got, m.groups[n:])
	m.fatal(t, m.log.Check(func() bool { return true }))
}

func (m *model) equal(t *rapid.T, got, want []log.Group) {
	if len(got) != len(want) {
		t.Fatalf("%d groups, want %d", len(got), len(want))
	}
	for i := range got {
		if !same(got[i], want[i]) {
			t.Fatalf("group %d of %d is another", i, len(want))
		}
	}
}

func (m *model) find(t *rapid.T) {
	o := logical.Origin(rapid.IntRange(1, 3).Draw(t, "origin"))
	var ops []log.Entry
	first := 1
	for i, g := range m.groups {
		for _, e := range g.Entries {
			if e.Dot.Origin == o {
				ops = append(ops, e)
			}
		}
		if i+1 == m.removed {
			first = len(ops) + 1
		}
	}
	if m.log.First(o) != logical.Seq(first) {
		t.Fatalf("operations of %s are kept from %d on, want %d", o, m.log.First(o), first)
	}
	if first > 1 {
		m.gone(t, logical.Dot{Origin: o, Seq: logical.Seq(rapid.IntRange(1, first-1).Draw(t, "gone"))})
	}
	from := logical.Seq(rapid.IntRange(first, len(ops)+1).Draw(t, "from"))
	n := from
	m.fatal(t, m.log.Ops(o, from, func(seq logical.Seq, b []byte) (bool, error) {
		if seq != n || !bytes.Equal(b, ops[n-1].Bytes) {
			t.Fatalf("operation %d of %s is %d or another", n, o, seq)
		}
		n++
		return true, nil
	}))
	if int(n) != len(ops)+1 {
		t.Fatalf("operations of %s end before %d of %d", o, n, len(ops))
	}
	found, err := m.log.Op(logical.Dot{Origin: o, Seq: from}, func(b []byte) error {
		if !bytes.Equal(b, ops[from-1].Bytes) {
			return errors.New("other bytes")
		}
		return nil
	})
	if found != (int(from) <= len(ops)) || err != nil {
		t.Fatalf("operation %d of %d: found %v, %v", from, len(ops), found, err)
	}
}

// gone asks for an operation that was removed.
func (m *model) gone(t *rapid.T, d logical.Dot) {
	found, err := m.log.Op(d, func([]byte) error { return nil })
	if found || err != nil {
		t.Fatalf("operation %s was removed: found %v, %v", d, found, err)
	}
	if err := m.log.Ops(d.Origin, d.Seq, func(logical.Seq, []byte) (bool, error) { return true, nil }); !errors.Is(err, log.ErrRemoved) {
		t.Fatalf("operations from %s on were removed: %v", d, err)
	}
}

// remove removes what is before a group, as far as it is in segments of its own.
func (m *model) remove(t *rapid.T) {
	n := rapid.IntRange(0, len(m.groups)).Draw(t, "stable")
	keep := log.Kept{From: m.log.End()}
	if rapid.Bool().Draw(t, "position") && n > 0 {
		keep.From = m.groups[n-1].End
		keep.Stable = frontierOf(m.groups)
	} else {
		keep.Stable = frontierOf(m.groups[:n])
		for n = max(n, m.removed); n < len(m.groups) && frontierOf(m.groups[n:n+1]).Len() == 0; {
			n++ // it has notes only, which nothing but a position keeps
		}
	}
	size := m.log.Size()
	bytes, err := m.log.Remove(m.log.Outside(keep))
	m.fatal(t, err)
	if bytes > 0 {
		m.synced = len(m.groups)
	}
	if m.log.Size() != size-bytes {
		t.Fatalf("%d bytes were removed of %d, and %d are left", bytes, size, m.log.Size())
	}
	removed := m.removed
	for m.removed < len(m.groups) && m.groups[m.removed].End <= m.log.Begin() {
		m.removed++
	}
	if m.removed > max(n, removed) {
		t.Fatalf("%d groups were removed, and %d need not be kept", m.removed, n)
	}
}

// frontierOf is the operations of groups.
func frontierOf(groups []log.Group) (f logical.Frontier) {
	for _, g := range groups {
		for _, e := range g.Entries {
			f.Advance(e.Dot)
		}
	}
	return f
}

// close writes and syncs everything.
func (m *model) close(t *rapid.T) {
	if len(m.pending) > 0 {
		m.write(t)
	}
	m.fatal(t, m.log.Close())
	m.synced = len(m.groups)
	m.open(t)
}

func (m *model) crash(t *rapid.T) {
	m.abandon(t)
	percent := rapid.SampledFrom([]int{0, 30, 70, 100}).Draw(t, "unsynced")
	seed := rapid.Uint64().Draw(t, "seed")
	clone := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(seed, 0))})
	m.fatal(t, m.log.Close())
	m.fs = clone
	m.open(t)
	got, err := readFrom(m.log, 0)
	m.fatal(t, err)
	there := m.removed + len(got)
	if there < m.synced || there > len(m.groups) {
		t.Fatalf("%d groups are there, %d were synced, %d written", there, m.synced, len(m.groups))
	}
	m.equal(t, got, m.groups[m.removed:there])
	m.groups = m.groups[:there]
	m.synced = there
	clear(m.seqs)
	for _, g := range m.groups {
		for _, e := range g.Entries {
			if !e.Dot.IsZero() {
				m.seqs[e.Dot.Origin] = e.Dot.Seq
			}
		}
	}
}

// agrees compares what is cheap to compare.
func (m *model) agrees(t *rapid.T) {
	var want logical.Frontier
	for _, g := range m.groups {
		for _, e := range g.Entries {
			want.Advance(e.Dot)
		}
	}
	if m.log.Frontier().Compare(want) != logical.Equal {
		t.Fatalf("frontier %s, want %s", m.log.Frontier(), want)
	}
	if n := len(m.groups); n > 0 && m.log.End() < m.groups[n-1].End {
		t.Fatalf("the log ends at %s, the last group at %s", m.log.End(), m.groups[n-1].End)
	}
	if m.log.GroupBytes() == 0 != (len(m.pending) == 0) {
		t.Fatalf("a group of %d bytes has %d entries", m.log.GroupBytes(), len(m.pending))
	}
}
