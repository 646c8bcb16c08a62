package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// Decoder reads frames. It is not safe for use by two goroutines.
type Decoder struct {
	cfg      Config
	from     io.Reader
	limit    int // of a frame's body
	kind     Kind
	packed   bool
	head     [HeadBytes]byte
	body     []byte // of the present frame
	unpacked []byte // scratch for unpacking
	whole    []byte // of a large op, what has arrived
	left     int    // bytes of it that are still to come
}

// retainedBuffer is how large a buffer may stay when small frames follow.
const retainedBuffer = 256 << 10

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
	if cap(d.body) > retainedBuffer && n < retainedBuffer {
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

func (d *Decoder) open(k Kind) error {
	if d.kind != k {
		return fmt.Errorf("read %s: the frame is a %s: %w", k, d.kind, ErrMalformed)
	}
	return nil
}

// record reads the present frame, which must be of that kind, as take does.
func (d *Decoder) record(k Kind, take func(r *codec.Decoder)) error {
	if err := d.open(k); err != nil {
		return err
	}
	r := codec.NewDecoder(k.String(), d.body)
	take(r)
	return malformed(r.End())
}

// malformed says of an error of the codec that no leader sends such bytes.
func malformed(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return nil
}

// Hello takes apart a KindHello, or a KindFetch, KindQuorum or KindPolicy, which are laid out the same.
func (d *Decoder) Hello() (*Hello, error) {
	h, k := &Hello{}, KindHello
	if d.kind == KindFetch || d.kind == KindQuorum || d.kind == KindPolicy {
		k = d.kind
	}
	return h, d.record(k, h.decode)
}

func (h *Hello) decode(r *codec.Decoder) {
	r.Tuple(11)
	*h = Hello{
		VersionMin: r.Uint(), VersionMax: r.Uint(),
		Cluster: r.Text(MaxName), Leader: r.Text(MaxName), To: r.Text(MaxName),
		Origin: logical.Origin(r.Uint()), Nonce: r.Uint(),
		Policy: r.Text(MaxPolicy), RESP: r.Text(MaxAddress), HTTP: r.Text(MaxAddress),
		Frontier: r.Frontier(),
	}
	r.Require(h.VersionMin <= h.VersionMax, "the versions end before they begin")
	r.Require(h.Leader != "" && h.Origin != 0, "a leader without name or origin")
}

// Welcome takes apart a KindWelcome.
func (d *Decoder) Welcome() (*Welcome, error) {
	w := &Welcome{}
	return w, d.record(KindWelcome, func(r *codec.Decoder) {
		r.Tuple(3)
		w.Version, w.Credit = r.Uint(), r.Uint()
		w.Hello.decode(r)
	})
}

// Refuse takes apart a KindRefuse. The reason may be one that only later
// versions know.
func (d *Decoder) Refuse() (*Refuse, error) {
	f := &Refuse{}
	return f, d.record(KindRefuse, func(r *codec.Decoder) {
		r.Tuple(2)
		n := r.Uint()
		r.Require(n > 0 && n < 1<<8, "a reason is a number from 1 to 255")
		f.Reason, f.Detail = Reason(n), r.Text(MaxDetail)
	})
}

// maxInstant is as far from 1970 as a clock may be: 146 years, so that the
// difference of any two fits into 64 bits.
const maxInstant wallclock.Instant = 1 << 62

// Status takes apart a KindStatus.
func (d *Decoder) Status() (*replica.Status, error) {
	s := &replica.Status{}
	return s, d.record(KindStatus, func(r *codec.Decoder) { decodeStatus(r, s) })
}

func decodeStatus(r *codec.Decoder, s *replica.Status) {
	promises := r.ArrayBehind(16, 1) == 1
	*s = replica.Status{
		Origin: logical.Origin(r.Uint()), Number: r.Uint(),
		Frontier: r.Frontier(), Lamport: logical.Lamport(r.Uint()),
		HLC:  logical.HLC{Wall: r.Int(), Count: r.Uint32()},
		Wall: wallclock.Interval{Earliest: wallclock.Instant(r.Int()), Latest: wallclock.Instant(r.Int())},
		Echo: replica.Echo{Origin: logical.Origin(r.Uint()), Number: r.Uint(), Held: time.Duration(r.Int())},
	}
	if r.Array(1) == 1 {
		synced := r.Frontier()
		r.Require(s.Frontier.Includes(synced), "more is synced than was applied")
		s.Synced = &synced
	}
	s.Refused, s.Shared = decodeOrigins(r), decodeOrigins(r)
	for range groups(r, 3, 2*MaxNotes) {
		s.Sums = append(s.Sums, replica.Sum{Through: decodeDot(r), Sum: r.Uint()})
	}
	for range groups(r, 2, MaxNotes) {
		s.Again = append(s.Again, decodeDot(r))
	}
	if promises {
		s.Floor = wallclock.Instant(r.Int())
		r.Require(s.Floor != 0 && -maxInstant <= s.Floor && s.Floor <= maxInstant, "nothing is promised, or something out of range")
	}
	r.Require(-maxInstant <= s.Wall.Earliest && s.Wall.Earliest <= s.Wall.Latest && s.Wall.Latest <= maxInstant, "a clock that ends before it begins, or is out of range")
	r.Require(s.Echo.Held >= 0, "a status held for less than nothing")
	r.Require(s.Origin != 0, "a status without an origin")
}

// groups is the length of an array of groups of so many numbers, at most limit groups.
func groups(r *codec.Decoder, size, limit int) int {
	n := r.Array(size * limit)
	r.Require(n%size == 0, "a list of notes ends early")
	return n / size
}

// decodeOrigins reads origins, ascending; nil: none.
func decodeOrigins(r *codec.Decoder) (all []logical.Origin) {
	for range groups(r, 1, MaxNotes) {
		o := logical.Origin(r.Uint())
		r.Require(o != 0 && (len(all) == 0 || all[len(all)-1] < o), "a list of origins does not ascend")
		all = append(all, o)
	}
	return all
}

// decodeDot reads a dot that names an operation.
func decodeDot(r *codec.Decoder) logical.Dot {
	d := r.Dot()
	r.Require(d.Origin != 0 && d.Seq != 0, "a dot names no operation")
	return d
}

// Credit takes apart a KindCredit.
func (d *Decoder) Credit() (uint64, error) {
	if err := d.open(KindCredit); err != nil {
		return 0, err
	}
	r := codec.NewReader("credit", d.body)
	n := r.Uint()
	return n, malformed(r.End())
}

// Published takes apart a KindPublished. What it returns is the caller's.
func (d *Decoder) Published() (*Published, error) {
	if err := d.open(KindPublished); err != nil {
		return nil, err
	}
	r := codec.NewReader("published", d.body)
	r.Require(r.Array("elements of a published message", 2, 1) == 2, "a published message has a channel and a message")
	channel, message := bin(&r), bin(&r)
	r.Require(len(channel)+len(message) <= MaxPublished, "a published message is longer than may be")
	if err := r.End(); err != nil {
		return nil, malformed(err)
	}
	return &Published{string(channel), append([]byte{}, message...)}, nil
}

// Repair takes apart a KindRepair. What it returns is the caller's.
func (d *Decoder) Repair() ([]byte, error) {
	if err := d.open(KindRepair); err != nil {
		return nil, err
	}
	if len(d.body) > MaxRepair {
		return nil, fmt.Errorf("read repair: %d bytes, the limit is %d: %w", len(d.body), MaxRepair, ErrMalformed)
	}
	return append([]byte{}, d.body...), nil
}

// bin is the bytes that follow, which must be there, shared with the body.
func bin(r *codec.Reader) []byte {
	b, there := r.Bin(math.MaxUint32)
	r.Require(there, "expected bytes, found nil")
	return b
}

// Goodbye takes apart a KindGoodbye.
func (d *Decoder) Goodbye() error {
	if err := d.open(KindGoodbye); err != nil {
		return err
	}
	r := codec.NewReader("goodbye", d.body)
	return malformed(r.End())
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
	if err := d.open(KindBatch); err != nil {
		return nil, 0, err
	}
	r := codec.NewReader("batch", d.body)
	b := &replica.Batch{}
	for r.Len() > 0 {
		op, err := readOp(&r)
		if err != nil {
			return nil, 0, malformed(err)
		}
		b.Ops = append(b.Ops, op)
		r.Require(len(d.body) <= MaxShared || r.Len() == 0, "several ops in a frame that is for one only")
	}
	r.Require(len(b.Ops) > 0, "a batch without ops")
	return b, Charge(b.Ops), malformed(r.End())
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
	if cap(d.unpacked) > retainedBuffer && n < retainedBuffer {
		d.unpacked = nil
	}
	if d.unpacked, err = s2.Decode(d.unpacked[:cap(d.unpacked)], d.body); err != nil {
		return fmt.Errorf("unpack batch: %w: %w", err, ErrMalformed)
	}
	d.packed = false
	d.body, d.unpacked = d.unpacked, d.body
	return nil
}

func readOp(r *codec.Reader) (*resolve.Op, error) {
	b := bin(r)
	if r.Failed() {
		return nil, r.End()
	}
	op, err := codec.DecodeOp(b)
	if err == nil {
		err = admissible(op)
	}
	return op, err
}

// admissible says why no leader can have accepted op: the core takes it as given that
// one has.
func admissible(op *resolve.Op) error {
	switch dot := op.Dot; {
	case dot.Origin == 0 || dot.Seq == 0:
		return errors.New("an op without a dot")
	case op.Deps.At(dot.Origin) != dot.Seq-1:
		return fmt.Errorf("op %s does not depend on all before it of its origin, and no more", dot)
	}
	return nil
}
