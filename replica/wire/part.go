package wire

import (
	"fmt"

	"github.com/klauspost/compress/s2"

	"kvd/replica"
	"kvd/resolve"
	"kvd/storage/codec"
)

// A large op is sent in parts, each a frame of its own:
//
//	left, bytes
//
// Left is how many bytes of the op follow upon those of this part; so the first says
// how long the whole is, and the last says zero. An op that fits into one part goes as
// a batch.

// Parts is a large op on its way out.
type Parts struct {
	e    *Encoder
	rest [3][]byte // of the op's encoding
	left int       // bytes of that
	buf  []byte
}

// InParts begins to send op in parts, if it takes more than limit bytes; nil: it goes
// as a batch. It fails with ErrTooLarge when no frames could carry it.
func (e *Encoder) InParts(op *resolve.Op, limit int) (*Parts, error) {
	if op.Size() <= limit {
		return nil, nil
	}
	p := &Parts{e: e}
	p.rest[0], p.rest[1], p.rest[2] = codec.SplitOp(op)
	for _, b := range p.rest {
		p.left += len(b)
	}
	switch {
	case p.left <= limit:
		return nil, nil
	case p.left > e.cfg.MaxFrame:
		return nil, fmt.Errorf("write op %s of key %.64q: %d bytes, above the limit of %d; raise MaxFrame on every leader: %w", op.Dot, op.Key, p.left, e.cfg.MaxFrame, ErrTooLarge)
	}
	return p, nil
}

// Append appends the next frame, with at most limit bytes of the op.
func (p *Parts) Append(dst []byte, limit int) []byte {
	n := min(limit, p.left)
	p.left -= n
	body := codec.AppendUint(p.buf[:0], uint64(p.left))
	for i := range p.rest {
		take := min(n, len(p.rest[i]))
		body = append(body, p.rest[i][:take]...)
		p.rest[i], n = p.rest[i][take:], n-take
	}
	p.buf = body
	start, kind := len(dst), byte(KindPart)
	p.e.packed = s2.Encode(p.e.packed[:cap(p.e.packed)], body)
	if len(body)-len(p.e.packed) >= len(body)/10 {
		body, kind = p.e.packed, kind|packedFlag
	}
	return finish(append(begin(dst), body...), start, kind)
}

// Left is how many bytes of the op no frame has taken yet.
func (p *Parts) Left() int { return p.left }

// part takes the bytes of a KindPart. What memory is taken grows with what arrives.
func (d *Decoder) part() error {
	if err := d.unpack(); err != nil {
		return err
	}
	r := codec.NewReader("part", d.body)
	left := r.Uint()
	raw := r.Rest()
	if err := r.End(); err != nil {
		return malformed(err)
	}
	total := uint64(len(raw)) + left
	switch first := d.left == 0; {
	case left > uint64(d.cfg.MaxFrame), first && total > uint64(d.cfg.MaxFrame): // left by itself may overflow the sum
		return fmt.Errorf("read an op in parts: %d bytes, the limit is %d: %w", total, d.cfg.MaxFrame, ErrTooLarge)
	case len(raw) == 0 || first && left == 0 || !first && total != uint64(d.left):
		return fmt.Errorf("read an op in parts: %d bytes and %d to follow, where %d were to come: %w", len(raw), left, d.left, ErrMalformed)
	case first:
		d.whole = nil // the op before it, which is its own now
	}
	if need := len(d.whole) + len(raw); need > cap(d.whole) {
		grown := make([]byte, len(d.whole), min(len(d.whole)+int(total), 4*need))
		copy(grown, d.whole)
		d.whole = grown
	}
	d.whole, d.left = append(d.whole, raw...), int(left)
	return nil
}

// assembled is the op whose parts have all arrived.
func (d *Decoder) assembled() (*replica.Batch, int, error) {
	whole := d.whole
	d.whole = nil
	op, err := codec.DecodeOwnOp(whole)
	if err == nil {
		err = admissible(op)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read an op in parts: %w", malformed(err))
	}
	ops := []*resolve.Op{op}
	return &replica.Batch{Ops: ops}, Charge(ops), nil
}
