package log

import (
	"encoding/binary"
	"fmt"
	"slices"

	"kvd/logical"
)

const (
	frameBytes   = 32 << 10 // a frame is ended when its body has as much
	reserveBytes = 8 << 20  // is preallocated at once
	maxRuns      = 16 << 10 // memory for more is not kept
)

// group is the group that is being built. Its buffer has whole frames, the heads of which
// are filled in by Write.
type group struct {
	buf     []byte
	frames  []int // where in buf each frame begins
	inFrame bool  // the last frame takes more
	run     logical.Dot
	runs    []run
	refused error

	tails   map[logical.Origin]*tail
	touched []*tail
}

// run is operations of one origin that follow each other in a frame.
type run struct {
	tail        *tail
	first, last logical.Seq
	frame       int // where in buf the frame begins
}

// tail is the end of an origin.
type tail struct {
	origin            logical.Origin
	written, appended logical.Seq
}

// AppendOp adds the operation d to the group that is being built: encode appends its bytes
// to dst and returns the longer slice. It is the next of its origin, or Write refuses the
// group. The result is how many bytes it has.
func (l *Log) AppendOp(d logical.Dot, encode func(dst []byte) []byte) (size int) {
	g := &l.group
	if !g.begin(d) {
		return 0
	}
	// The length stands before the bytes, and is known after them. Two bytes for it are
	// enough for most; a larger operation is moved.
	at := len(g.buf)
	g.buf = encode(append(g.buf, 0, 0))
	size = len(g.buf) - at - 2
	v := uint64(size)<<2 | itemOp
	if v < 1<<14 {
		g.buf[at], g.buf[at+1] = byte(v)|0x80, byte(v>>7)
	} else {
		var length [binary.MaxVarintLen64]byte
		n := binary.PutUvarint(length[:], v)
		g.buf = append(g.buf, length[2:n]...)
		copy(g.buf[at+n:], g.buf[at+2:at+2+size])
		copy(g.buf[at:], length[:n])
	}
	g.ended()
	return size
}

// AppendRaw is AppendOp for bytes at hand. They are copied.
func (l *Log) AppendRaw(d logical.Dot, encoded []byte) {
	if g := &l.group; g.begin(d) {
		g.item(itemOp, encoded)
	}
}

// AppendNote adds anything else, in order with the operations. The bytes are copied.
func (l *Log) AppendNote(encoded []byte) {
	l.group.frame()
	l.group.item(itemNote, encoded)
}

// GroupBytes is how large the group is that is being built.
func (l *Log) GroupBytes() int { return len(l.group.buf) }

// Abandon forgets the group that is being built.
func (l *Log) Abandon() {
	for _, t := range l.group.touched {
		t.appended = t.written
	}
	l.group.reset()
}

// begin prepares the frame for an operation: the bytes follow. False: it is refused.
func (g *group) begin(d logical.Dot) bool {
	if g.refused != nil {
		return false
	}
	t := g.tail(d.Origin)
	if d.Origin == 0 || d.Seq != t.appended+1 {
		g.refused = fmt.Errorf("append %s to the log: the next operation of its origin is %d", d, t.appended+1)
		return false
	}
	if t.appended == t.written {
		g.touched = append(g.touched, t)
	}
	t.appended++
	if g.frame(); d != g.run {
		g.buf = binary.AppendUvarint(g.buf, uint64(d.Seq)<<2|itemRun)
		g.buf = binary.LittleEndian.AppendUint64(g.buf, uint64(d.Origin))
		g.runs = append(g.runs, run{t, d.Seq, d.Seq, g.frames[len(g.frames)-1]})
	}
	g.runs[len(g.runs)-1].last = d.Seq
	g.run = logical.Dot{Origin: d.Origin, Seq: d.Seq + 1}
	return true
}

// tail is that of an origin. The one of the last operation is at hand.
func (g *group) tail(o logical.Origin) *tail {
	if n := len(g.runs); n > 0 && g.runs[n-1].tail.origin == o {
		return g.runs[n-1].tail
	}
	t := g.tails[o]
	if t == nil {
		t = &tail{origin: o}
		g.tails[o] = t
	}
	return t
}

// frame begins a frame if none takes more. Each is read without those before it, so that
// its first operation begins a run.
func (g *group) frame() {
	if g.inFrame {
		return
	}
	g.inFrame, g.run = true, logical.Dot{}
	g.frames = append(g.frames, len(g.buf))
	var head [headBytes]byte
	g.buf = append(g.buf, head[:]...)
}

// item adds an item of which the bytes are at hand.
func (g *group) item(kind uint64, encoded []byte) {
	g.buf = binary.AppendUvarint(g.buf, uint64(len(encoded))<<2|kind)
	g.buf = append(g.buf, encoded...)
	g.ended()
}

// ended ends the frame when it has enough.
func (g *group) ended() {
	g.inFrame = len(g.buf)-g.frames[len(g.frames)-1] < frameBytes
}

// finish fills in the heads of the frames. The group stands at that position.
func (g *group) finish(at Position, synced uint32) {
	for i, begin := range g.frames {
		kind, end := kindGroup, len(g.buf)
		if i == 0 {
			kind |= flagFirst
		}
		if i == len(g.frames)-1 {
			kind |= flagLast
		} else {
			end = g.frames[i+1]
		}
		finishFrame(g.buf[begin:end], at+Position(begin), kind, synced)
	}
}

// reset empties the group and keeps its memory, unless that is much.
func (g *group) reset() {
	if cap(g.buf) > maxBuffer {
		g.buf = nil
	}
	if cap(g.runs) > maxRuns {
		g.runs, g.touched = nil, nil
	}
	g.buf, g.frames, g.runs, g.touched = g.buf[:0], g.frames[:0], g.runs[:0], g.touched[:0]
	g.inFrame, g.run, g.refused = false, logical.Dot{}, nil
}

// Write ends the group: its frames are written to the file, not synced. It returns the
// position behind them. An empty group writes nothing. A group that has an operation that
// is not the next of its origin, or is larger than 1 GiB, is abandoned with an error. After
// any other error the log takes nothing more: every later Write and Sync returns it.
func (l *Log) Write() (Position, error) {
	g, end := &l.group, l.End()
	err := l.failure()
	switch {
	case err != nil:
	case l.o.ReadOnly:
		err = errReadOnly
	case g.refused != nil:
		err = g.refused
	case len(g.buf) > maxGroup:
		err = fmt.Errorf("write a group of %d bytes to the log: at most %d are possible", len(g.buf), maxGroup)
	case len(g.buf) == 0:
		return end, nil
	default:
		if err = l.write(); err == nil {
			g.reset()
			return l.End(), nil
		}
		l.fail(err)
	}
	l.Abandon()
	return end, err
}

// write writes the group to the active segment and publishes it.
func (l *Log) write() error {
	g := &l.group
	if l.active != nil && l.segmentOf(l.active.number).end >= l.o.SegmentBytes {
		if err := l.leave(); err != nil {
			return err
		}
	}
	if l.active == nil {
		if err := l.begin(); err != nil {
			return err
		}
	}
	f, offset := l.active, l.segmentOf(l.active.number).end
	at, synced := newPosition(f.number, offset), uint32(0)
	if s := l.Synced(); s.segment() == f.number {
		synced = uint32(s.offset())
	}
	g.finish(at, synced)
	end := offset + int64(len(g.buf))
	for end > l.reserved && l.reserved < l.o.SegmentBytes {
		step := min(reserveBytes, l.o.SegmentBytes-l.reserved)
		_ = f.Preallocate(l.reserved, step) // whether there is space shows when it is written to
		l.reserved += step
	}
	l.dirty = true
	if _, err := f.WriteAt(g.buf, offset); err != nil {
		return fmt.Errorf("write log segment %s: %w", f.path, err)
	}
	l.publish(f.number, offset, end)
	return nil
}

// publish lets readers see the group.
func (l *Log) publish(number uint32, offset, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := &l.group
	for _, r := range g.runs {
		l.open.add(r.tail.origin, r.first, r.last, offset+int64(r.frame))
	}
	for _, t := range g.touched {
		t.written = t.appended
		l.frontier.Advance(logical.Dot{Origin: t.origin, Seq: t.written})
	}
	*l.known(number) = segment{end: end, size: end}
	l.end.Store(uint64(newPosition(number, end)))
}

// leave ends the active segment with its index, and makes all of it durable: a segment that
// another follows is whole.
func (l *Log) leave() error {
	f := l.active
	end := l.segmentOf(f.number).end
	footer := l.open.appendFooter(nil, newPosition(f.number, end))
	if _, err := f.WriteAt(footer, end); err != nil {
		return fmt.Errorf("write log segment %s: %w", f.path, err)
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := l.syncFile(); err != nil {
		return err
	}
	l.active = nil

	l.mu.Lock()
	defer l.mu.Unlock()
	l.left(f.number, l.open.ranges())
	l.known(f.number).size += int64(len(footer))
	for _, i := range l.open.origins {
		i.entries = slices.Clip(i.entries)
	}
	l.files.loaded(f, l.open)
	l.files.release(f)
	l.open = nil
	return nil
}

// left notes what a segment has that is not written to any more.
func (l *Log) left(number uint32, ranges []originRange) {
	for _, r := range ranges {
		l.spans[r.origin] = append(l.spans[r.origin], span{number, r.first, r.last})
	}
}

// begin makes the next segment. Its directory entry is synced before anything in it is
// durable, and its header may be lost with its groups.
func (l *Log) begin() error {
	number := l.next()
	f, err := l.files.write(number, true)
	if err != nil {
		return err
	}
	l.syncing.Lock()
	l.active, l.unnamed = f, true
	l.syncing.Unlock()
	if _, err := f.WriteAt(appendHeader(nil, number, l.End()), 0); err != nil {
		return fmt.Errorf("write log segment %s: %w", f.path, err)
	}
	l.reserved = 0
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = newIndex()
	l.segments = append(l.segments, segment{headerBytes, headerBytes})
	return nil
}
