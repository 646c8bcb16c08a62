package wire

import (
	"fmt"

	"github.com/klauspost/compress/s2"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// A batch is packed when its body is larger than packAbove bytes and packing
// saves a tenth of it, or worthPacking bytes an op: beside values that do not
// shrink, what ops say of their past still does.
const (
	packAbove    = 512
	worthPacking = 24
)

// AppendHello appends the frame of h.
func AppendHello(dst []byte, h *Hello) []byte {
	start := len(dst)
	return finish(appendHello(begin(dst), h), start, byte(KindHello))
}

func appendHello(dst []byte, h *Hello) []byte {
	dst = appendArray(dst, 11)
	dst = appendUint(appendUint(dst, h.VersionMin), h.VersionMax)
	dst = appendString(appendString(appendString(dst, h.Cluster), h.Leader), h.To)
	dst = appendUint(appendUint(dst, uint64(h.Origin)), h.Nonce)
	dst = appendString(dst, h.Policy)
	dst = appendString(appendString(dst, h.RESP), h.HTTP)
	return appendFrontier(dst, h.Frontier)
}

// AppendWelcome appends the frame of w.
func AppendWelcome(dst []byte, w *Welcome) []byte {
	start := len(dst)
	dst = appendArray(begin(dst), 3)
	dst = appendUint(appendUint(dst, w.Version), w.Credit)
	return finish(appendHello(dst, &w.Hello), start, byte(KindWelcome))
}

// AppendRefuse appends the frame of r, its detail cut to MaxDetail bytes.
func AppendRefuse(dst []byte, r *Refuse) []byte {
	start := len(dst)
	dst = appendUint(appendArray(begin(dst), 2), uint64(r.Reason))
	return finish(appendString(dst, cut(r.Detail, MaxDetail)), start, byte(KindRefuse))
}

// AppendStatus appends the frame of s.
func AppendStatus(dst []byte, s *replica.Status) []byte {
	start := len(dst)
	dst = appendArray(begin(dst), 16)
	dst = appendUint(appendUint(dst, uint64(s.Life)), s.Number)
	dst = appendFrontier(dst, s.Frontier)
	dst = appendUint(dst, uint64(s.Lamport))
	dst = appendUint(appendInt(dst, s.HLC.Wall), uint64(s.HLC.Count))
	dst = appendInt(appendInt(dst, int64(s.Wall.Earliest)), int64(s.Wall.Latest))
	dst = appendUint(appendUint(dst, uint64(s.Echo.Life)), s.Echo.Number)
	dst = appendInt(dst, int64(s.Echo.Held))
	if s.Synced == nil {
		dst = appendArray(dst, 0)
	} else {
		dst = appendFrontier(appendArray(dst, 1), *s.Synced)
	}
	return finish(appendNotes(dst, s), start, byte(KindStatus))
}

// appendNotes writes four lists: origins, origins, dots with a sum, and dots.
func appendNotes(dst []byte, s *replica.Status) []byte {
	for _, origins := range [2][]logical.Origin{s.Refused, s.Shared} {
		dst = appendArray(dst, len(origins))
		for _, o := range origins {
			dst = appendUint(dst, uint64(o))
		}
	}
	dst = appendArray(dst, 3*len(s.Sums))
	for _, n := range s.Sums {
		dst = appendUint(appendUint(appendUint(dst, uint64(n.Through.Origin)), uint64(n.Through.Seq)), n.Sum)
	}
	dst = appendArray(dst, 2*len(s.Again))
	for _, d := range s.Again {
		dst = appendUint(appendUint(dst, uint64(d.Origin)), uint64(d.Seq))
	}
	return dst
}

// AppendCredit appends a frame that grants n more, in units of [Charge].
func AppendCredit(dst []byte, n uint64) []byte {
	start := len(dst)
	return finish(appendUint(begin(dst), n), start, byte(KindCredit))
}

// AppendPublished appends the frame of p, which is at most MaxPublished bytes.
func AppendPublished(dst []byte, p *Published) []byte {
	start := len(dst)
	dst = appendBinHeader(appendArray(begin(dst), 2), len(p.Channel))
	dst = appendBinHeader(append(dst, p.Channel...), len(p.Message))
	return finish(append(dst, p.Message...), start, byte(KindPublished))
}

// AppendGoodbye appends the frame after which nothing follows.
func AppendGoodbye(dst []byte) []byte {
	start := len(dst)
	return finish(begin(dst), start, byte(KindGoodbye))
}

// Encoder writes batches. It is not safe for use by two goroutines.
type Encoder struct {
	cfg  Config
	room []byte // for packing; kept from batch to batch
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
// nothing, when that one alone exceeds the largest frame: what does goes in parts
// ([Encoder.InParts]). ops must not be empty.
func (e *Encoder) Batch(dst []byte, ops []*resolve.Op, limit int) ([]byte, Taken, error) {
	start := len(dst)
	dst, n := e.appendOps(begin(dst), ops, min(limit, e.cfg.maxBody(), MaxShared))
	body := len(dst) - start - HeadBytes
	if limit := e.cfg.maxBody(); body > limit {
		return dst[:start], Taken{}, fmt.Errorf("write op %s of key %.64q: %d bytes, above the limit of %d; raise MaxFrame on every leader, or send it in parts: %w", ops[0].Dot, ops[0].Key, body, limit, ErrTooLarge)
	}
	dst, kind := e.pack(dst, start, n)
	if cap(e.room) > roomKept {
		e.room = nil
	}
	return finish(dst, start, kind), Taken{n, body, Charge(ops[:n])}, nil
}

// appendOps appends ops until the next would exceed limit, and says how many.
func (e *Encoder) appendOps(dst []byte, ops []*resolve.Op, limit int) ([]byte, int) {
	start := len(dst)
	for n, op := range ops {
		at := len(dst)
		if n > 0 && at-start+len(op.Key)+len(op.Value) > limit {
			return dst, n // without encoding what would be thrown away
		}
		dst = append(dst, make([]byte, binRoom)...)
		dst = closeBin(e.cfg.Codec.AppendOp(dst, op), at)
		if n > 0 && len(dst)-start > limit {
			return dst[:at], n
		}
	}
	return dst, len(ops)
}

// pack replaces the body, of n ops, of the frame that begins at start by a
// smaller one, if that pays, and returns the kind byte to write.
func (e *Encoder) pack(dst []byte, start, n int) ([]byte, byte) {
	body := dst[start+HeadBytes:]
	if len(body) <= packAbove {
		return dst, byte(KindBatch)
	}
	e.room = s2.Encode(e.room[:cap(e.room)], body)
	if len(body)-len(e.room) < min(len(body)/10, worthPacking*n) {
		return dst, byte(KindBatch)
	}
	size := copy(body, e.room)
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
