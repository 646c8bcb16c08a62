package wire

import (
	"fmt"

	"github.com/klauspost/compress/s2"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/storage/codec"
)

// A batch is packed when its body is larger than packAbove bytes and packing
// saves a tenth of it, or worthPacking bytes an op: beside values that do not
// shrink, what ops say of their past still does.
const (
	packAbove    = 512
	worthPacking = 24
)

// AppendHello appends the frame of h.
func AppendHello(dst []byte, h *Hello) []byte { return AppendGreeting(dst, KindHello, h) }

// AppendGreeting appends h as a frame of that kind: a KindHello, a KindFetch, a KindQuorum or a KindPolicy.
func AppendGreeting(dst []byte, k Kind, h *Hello) []byte {
	start := len(dst)
	e := codec.Encode(begin(dst))
	encodeHello(e, h)
	return finish(e.Done(), start, byte(k))
}

func encodeHello(e *codec.Encoder, h *Hello) {
	e.Array(11).Uint(h.VersionMin).Uint(h.VersionMax)
	e.Text(h.Cluster).Text(h.Leader).Text(h.To)
	e.Uint(uint64(h.Origin)).Uint(h.Nonce)
	e.Text(h.Policy).Text(h.RESP).Text(h.HTTP)
	e.Frontier(h.Frontier)
}

// AppendWelcome appends the frame of w.
func AppendWelcome(dst []byte, w *Welcome) []byte {
	start := len(dst)
	e := codec.Encode(begin(dst)).Array(3).Uint(w.Version).Uint(w.Credit)
	encodeHello(e, &w.Hello)
	return finish(e.Done(), start, byte(KindWelcome))
}

// AppendRefuse appends the frame of r, its detail cut to MaxDetail bytes.
func AppendRefuse(dst []byte, r *Refuse) []byte {
	start := len(dst)
	e := codec.Encode(begin(dst)).Array(2).Uint(uint64(r.Reason)).Text(cut(r.Detail, MaxDetail))
	return finish(e.Done(), start, byte(KindRefuse))
}

// AppendStatus appends the frame of s. Before version 9 nobody reads one that has a Floor.
func AppendStatus(dst []byte, s *replica.Status) []byte {
	start := len(dst)
	n := 16
	if s.Floor != 0 {
		n++
	}
	e := codec.Encode(begin(dst)).Array(n)
	e.Uint(uint64(s.Origin)).Uint(s.Number).Frontier(s.Frontier)
	e.Uint(uint64(s.Lamport)).Int(s.HLC.Wall).Uint(uint64(s.HLC.Count))
	e.Int(int64(s.Wall.Earliest)).Int(int64(s.Wall.Latest))
	e.Uint(uint64(s.Echo.Origin)).Uint(s.Echo.Number).Int(int64(s.Echo.Held))
	if s.Synced == nil {
		e.Array(0)
	} else {
		e.Array(1).Frontier(*s.Synced)
	}
	encodeNotes(e, s)
	if s.Floor != 0 {
		e.Int(int64(s.Floor))
	}
	return finish(e.Done(), start, byte(KindStatus))
}

// encodeNotes writes four lists: origins, origins, dots with a sum, and dots.
func encodeNotes(e *codec.Encoder, s *replica.Status) {
	for _, origins := range [2][]logical.Origin{s.Refused, s.Shared} {
		e.Array(len(origins))
		for _, o := range origins {
			e.Uint(uint64(o))
		}
	}
	e.Array(3 * len(s.Sums))
	for _, n := range s.Sums {
		e.Dot(n.Through).Uint(n.Sum)
	}
	e.Array(2 * len(s.Again))
	for _, d := range s.Again {
		e.Dot(d)
	}
}

// AppendCredit appends a frame that grants n more, in units of [Charge].
func AppendCredit(dst []byte, n uint64) []byte {
	start := len(dst)
	return finish(codec.AppendUint(begin(dst), n), start, byte(KindCredit))
}

// AppendPublished appends the frame of p, which is at most MaxPublished bytes.
func AppendPublished(dst []byte, p *Published) []byte {
	start := len(dst)
	dst = codec.AppendBinHeader(codec.AppendArray(begin(dst), 2), len(p.Channel))
	dst = codec.AppendBinHeader(append(dst, p.Channel...), len(p.Message))
	return finish(append(dst, p.Message...), start, byte(KindPublished))
}

// AppendRepair appends a frame with that body, of at most MaxRepair bytes. What is in it is
// for whoever compares objects: here it is bytes.
func AppendRepair(dst, body []byte) []byte {
	start := len(dst)
	return finish(append(begin(dst), body...), start, byte(KindRepair))
}

// AppendGoodbye appends the frame after which nothing follows.
func AppendGoodbye(dst []byte) []byte {
	start := len(dst)
	return finish(begin(dst), start, byte(KindGoodbye))
}

// Encoder writes batches. It is not safe for use by two goroutines.
type Encoder struct {
	cfg    Config
	packed []byte // scratch for packing, reused from batch to batch
}

// NewEncoder returns an encoder; cfg has been validated.
func NewEncoder(cfg Config) *Encoder { return &Encoder{cfg: cfg} }

// Taken is how much of a batch one frame took.
type Taken struct {
	Ops    int
	Body   int // bytes, before they are packed
	Charge int // of the receiver's credit
}

// Batch appends one frame with as many of ops, from the first, as keep its body
// within limit bytes; at least one. It fails with ErrTooLarge, and appends
// nothing, when the first one exceeds the largest frame: what does goes in parts
// ([Encoder.InParts]). ops must not be empty.
func (e *Encoder) Batch(dst []byte, ops []*resolve.Op, limit int) ([]byte, Taken, error) {
	start := len(dst)
	dst, n := e.appendOps(begin(dst), ops, min(limit, e.cfg.maxBody(), MaxShared))
	body := len(dst) - start - HeadBytes
	if limit := e.cfg.maxBody(); body > limit {
		return dst[:start], Taken{}, fmt.Errorf("write op %s of key %.64q: %d bytes, above the limit of %d; raise MaxFrame on every leader, or send it in parts: %w", ops[0].Dot, ops[0].Key, body, limit, ErrTooLarge)
	}
	dst, kind := e.pack(dst, start, n)
	if cap(e.packed) > retainedBuffer {
		e.packed = nil
	}
	return finish(dst, start, kind), Taken{n, body, Charge(ops[:n])}, nil
}

func (e *Encoder) appendOps(dst []byte, ops []*resolve.Op, limit int) ([]byte, int) {
	start := len(dst)
	for n, op := range ops {
		at := len(dst)
		if n > 0 && at-start+len(op.Key)+len(op.Value) > limit {
			return dst, n // without encoding what would be thrown away
		}
		dst = append(dst, make([]byte, maxBinHead)...)
		dst = closeBin(codec.AppendOp(dst, op), at)
		if n > 0 && len(dst)-start > limit {
			return dst[:at], n
		}
	}
	return dst, len(ops)
}

// maxBinHead is the longest announcement of bytes.
const maxBinHead = 5

// closeBin announces the bytes after start+maxBinHead, where space was left, and
// moves them up to their announcement.
func closeBin(dst []byte, start int) []byte {
	var head [maxBinHead]byte
	body := dst[start+maxBinHead:]
	dst = append(dst[:start], codec.AppendBinHeader(head[:0], len(body))...)
	return append(dst, body...) // to the left: append copies as memmove does
}

// pack replaces the body, of n ops, of the frame that begins at start by a
// smaller one, if that pays, and returns the kind byte to write.
func (e *Encoder) pack(dst []byte, start, n int) ([]byte, byte) {
	body := dst[start+HeadBytes:]
	if len(body) <= packAbove {
		return dst, byte(KindBatch)
	}
	e.packed = s2.Encode(e.packed[:cap(e.packed)], body)
	if len(body)-len(e.packed) < min(len(body)/10, worthPacking*n) {
		return dst, byte(KindBatch)
	}
	size := copy(body, e.packed)
	return dst[:start+HeadBytes+size], byte(KindBatch) | packedFlag
}

// cut is at most limit bytes of s, without half a character at the end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xc0 == 0x80 {
		limit--
	}
	return s[:limit]
}
