package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

// Decoder reads frames. It is not safe for use by two goroutines.
type Decoder struct {
	cfg    Config
	from   io.Reader
	limit  int // of a frame's body
	kind   Kind
	packed bool
	head   [HeadBytes]byte
	body   []byte // of the present frame
	room   []byte // for unpacking
	whole  []byte // of a large op, what has arrived
	left   int    // bytes of it that are still to come
}

// roomKept is how large a buffer may stay when small frames follow.
const roomKept = 256 << 10

// NewDecoder reads from r; cfg has been validated. Bodies are limited to
// MaxGreeting until [Decoder.Open]. The decoder reads no byte beyond the frames
// it returns, but in two pieces a frame: give it a buffered reader.
func NewDecoder(r io.Reader, cfg Config) *Decoder {
	return &Decoder{cfg: cfg, from: r, limit: min(MaxGreeting, cfg.MaxFrame)}
}

// Open allows bodies up to MaxBody, and ops up to MaxFrame: the other side has introduced itself.
func (d *Decoder) Open() { d.limit = d.cfg.maxBody() }

// Next reads the next frame and says what it carries; the method of that name
// then takes it apart. Parts of an op are gathered until it is whole. The error is
// io.EOF when the stream ends between two frames, and io.ErrUnexpectedEOF when it ends
// within one.
func (d *Decoder) Next() (Kind, error) {
	for {
		kind, err := d.next()
		switch {
		case err != nil:
			return 0, err
		case kind == KindBatch && d.left > 0:
			return 0, fmt.Errorf("read frame: a batch amid the parts of an op: %w", ErrMalformed)
		case kind != KindPart:
			return kind, nil
		}
		if err := d.part(); err != nil {
			return 0, err
		}
		if d.left == 0 {
			d.kind = KindBatch
			return KindBatch, nil
		}
	}
}

// next reads one frame.
func (d *Decoder) next() (Kind, error) {
	d.kind = 0
	if _, err := io.ReadFull(d.from, d.head[:]); err != nil {
		return 0, err
	}
	n, kind := int(binary.BigEndian.Uint32(d.head[:])), d.head[4]
	if err := d.checkHead(n, kind); err != nil {
		return 0, err
	}
	if err := d.fill(n); err != nil {
		return 0, err
	}
	if want, got := binary.BigEndian.Uint32(d.head[5:]), checksum(d.head[4:5], d.body); want != got {
		return 0, fmt.Errorf("read frame of %d bytes: checksum %08x, computed %08x: %w", n, want, got, ErrChecksum)
	}
	d.kind, d.packed = Kind(kind&kindBits), kind&packedFlag != 0
	return d.kind, nil
}

func (d *Decoder) checkHead(n int, kind byte) error {
	k := Kind(kind & kindBits)
	switch {
	case kind>>5 != format || k == 0 || k >= kinds || kind&packedFlag != 0 && k != KindBatch && k != KindPart:
		return fmt.Errorf("read frame: kind byte %#02x: %w", kind, ErrUnknown)
	case n > d.limit:
		return fmt.Errorf("read frame: a %s of %d bytes, the limit is %d: %w", k, n, d.limit, ErrTooLarge)
	}
	return nil
}

// fill reads a body of n bytes. The buffer at most doubles beyond what has
// arrived.
func (d *Decoder) fill(n int) error {
	if cap(d.body) > roomKept && n < roomKept {
		d.body = nil
	}
	d.body = d.body[:0]
	for len(d.body) < n {
		have := len(d.body)
		step := min(n-have, max(cap(d.body)-have, have, 4<<10))
		d.body = slices.Grow(d.body, step)[:have+step]
		if _, err := io.ReadFull(d.from, d.body[have:]); err != nil {
			if err == io.EOF {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// open is a reader of the present frame, which must be of that kind.
func (d *Decoder) open(k Kind) reader {
	r := newReader(k, d.body)
	if d.kind != k {
		r.fail("the frame is a %s", d.kind)
	}
	return r
}

// Hello takes apart a KindHello.
func (d *Decoder) Hello() (*Hello, error) {
	r := d.open(KindHello)
	h := r.hello()
	return &h, r.end()
}

func (r *reader) hello() Hello {
	r.tuple(11)
	h := Hello{
		VersionMin: r.uint(), VersionMax: r.uint(),
		Cluster: r.text(MaxName), Leader: r.text(MaxName), To: r.text(MaxName),
		Origin: logical.Origin(r.uint()), Nonce: r.uint(),
		Policy: r.text(MaxPolicy), RESP: r.text(MaxAddress), HTTP: r.text(MaxAddress),
		Frontier: r.frontier(),
	}
	r.require(h.VersionMin <= h.VersionMax, "the versions end before they begin")
	r.require(h.Leader != "" && h.Origin != 0, "a leader without name or origin")
	return h
}

// Welcome takes apart a KindWelcome.
func (d *Decoder) Welcome() (*Welcome, error) {
	r := d.open(KindWelcome)
	r.tuple(3)
	w := &Welcome{Version: r.uint(), Credit: r.uint(), Hello: r.hello()}
	return w, r.end()
}

// Refuse takes apart a KindRefuse. The reason may be one that only later
// versions know.
func (d *Decoder) Refuse() (*Refuse, error) {
	r := d.open(KindRefuse)
	r.tuple(2)
	n := r.uint()
	r.require(n > 0 && n < 1<<8, "a reason is a number from 1 to 255")
	f := &Refuse{Reason: Reason(n), Detail: r.text(MaxDetail)}
	return f, r.end()
}

// maxInstant is as far from 1970 as a clock may be: 146 years, so that the
// difference of any two fits into 64 bits.
const maxInstant wallclock.Instant = 1 << 62

// Status takes apart a KindStatus.
func (d *Decoder) Status() (*replica.Status, error) {
	r := d.open(KindStatus)
	r.tuple(16)
	s := &replica.Status{
		Life: logical.Origin(r.uint()), Number: r.uint(),
		Frontier: r.frontier(), Lamport: logical.Lamport(r.uint()),
		HLC:  logical.HLC{Wall: r.int(), Count: r.count32()},
		Wall: wallclock.Interval{Earliest: wallclock.Instant(r.int()), Latest: wallclock.Instant(r.int())},
		Echo: replica.Echo{Life: logical.Origin(r.uint()), Number: r.uint(), Held: time.Duration(r.int())},
	}
	if n := r.array(); n > 0 {
		r.require(n == 1, "more than one synced frontier")
		synced := r.frontier()
		r.require(s.Frontier.Includes(synced), "more is synced than was applied")
		s.Synced = &synced
	}
	s.Refused, s.Shared, s.Sums, s.Again = r.origins(), r.origins(), r.sums(), r.again()
	r.require(-maxInstant <= s.Wall.Earliest && s.Wall.Earliest <= s.Wall.Latest && s.Wall.Latest <= maxInstant, "a clock that ends before it begins, or is out of range")
	r.require(s.Echo.Held >= 0, "a status held for less than nothing")
	r.require(s.Life != 0, "a status without a life")
	return s, r.end()
}

// Credit takes apart a KindCredit.
func (d *Decoder) Credit() (uint64, error) {
	r := d.open(KindCredit)
	n := r.uint()
	return n, r.end()
}

// Published takes apart a KindPublished. What it returns is the caller's.
func (d *Decoder) Published() (*Published, error) {
	r := d.open(KindPublished)
	r.tuple(2)
	channel, message := r.bin(), r.bin()
	r.require(len(channel)+len(message) <= MaxPublished, "a published message is longer than may be")
	if err := r.end(); err != nil {
		return nil, err
	}
	return &Published{string(channel), append([]byte{}, message...)}, nil
}

// Goodbye takes apart a KindGoodbye.
func (d *Decoder) Goodbye() error {
	r := d.open(KindGoodbye)
	return r.end()
}

// Batch takes apart a KindBatch and says what it costs of the credit granted.
// The ops are the caller's.
func (d *Decoder) Batch() (*replica.Batch, int, error) {
	if len(d.whole) > 0 && d.left == 0 {
		return d.assembled()
	}
	if err := d.unpack(); err != nil {
		return nil, 0, err
	}
	r := d.open(KindBatch)
	size := len(r.b)
	b := &replica.Batch{}
	for len(r.b) > 0 {
		op := d.op(&r)
		if r.err != nil {
			return nil, 0, r.err
		}
		b.Ops = append(b.Ops, op)
		r.require(size <= MaxShared || len(r.b) == 0, "several ops in a frame that is for one alone")
	}
	r.require(len(b.Ops) > 0, "a batch without ops")
	return b, Charge(b.Ops), r.end()
}

// unpack replaces the body by what it unpacks to. The announced size is
// compared with the limit before memory is taken for it.
func (d *Decoder) unpack() error {
	if !d.packed {
		return nil
	}
	n, err := s2.DecodedLen(d.body)
	if err != nil {
		return fmt.Errorf("unpack batch: %w: %w", err, ErrMalformed)
	}
	if n > d.limit {
		return fmt.Errorf("unpack batch: %d bytes would become %d, the limit is %d: %w", len(d.body), n, d.limit, ErrTooLarge)
	}
	if cap(d.room) > roomKept && n < roomKept {
		d.room = nil
	}
	if d.room, err = s2.Decode(d.room[:cap(d.room)], d.body); err != nil {
		return fmt.Errorf("unpack batch: %w: %w", err, ErrMalformed)
	}
	d.packed = false
	d.body, d.room = d.room, d.body
	return nil
}

// op reads the next op and refuses what no leader can have accepted: the core
// takes that as given.
func (d *Decoder) op(r *reader) *resolve.Op {
	b := r.bin()
	if r.err != nil {
		return nil
	}
	op, err := d.cfg.Codec.DecodeOp(b)
	if err != nil {
		r.fail("%v", err)
		return nil
	}
	r.admissible(op)
	return op
}

// admissible refuses what no leader can have accepted.
func (r *reader) admissible(op *resolve.Op) {
	dot := op.Dot
	r.require(dot.Origin != 0 && dot.Seq != 0, "an op without a dot")
	r.require(op.Deps.At(dot.Origin) == dot.Seq-1, "an op does not depend on all before it of its origin, and no more")
}
