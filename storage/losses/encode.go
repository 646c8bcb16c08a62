package losses

import (
	"fmt"
	"math/bits"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// rowFormat is the version of this layout; key and loser stand in the storage
// key:
//
//	format, position, verdicts: [mask, relation, winner: origin, seq (both 0: none), at: earliest, width …]
//	then, only if the row has evidence:
//	shape, value, its whole size less what is kept, wall: earliest, width, lamport,
//	then, each only if shape says so:
//	hlc: wall from the interval's midpoint, count
//	client, request
//	delta
//	expires
//	winner: wall: earliest, width, hlc as above, lamport
//
// shape is the kind in the lowest three bits, then one bit for each of those
// groups in that order.
const rowFormat = 1

const (
	rowHLC = 1 << (3 + iota)
	rowRequest
	rowDelta
	rowExpires
	rowWinner
	rowShapes // the first bit beyond
)

// Elements of a row, of its evidence, and of one verdict.
const (
	plainRow      = 3
	fixedEvidence = 6
	fixedVerdict  = 6
	MaxResolvers  = 16 // a mask has no more
)

// AppendRow appends r's encoding to dst, key and loser left out. Equal rows give
// equal bytes.
func AppendRow(dst []byte, r *Row) []byte {
	n := plainRow
	if r.Evidence != nil {
		n += evidenceElements(evidenceShape(r.Evidence))
	}
	dst = codec.AppendArray(dst, n)
	dst = append(dst, rowFormat)
	dst = codec.AppendUint(dst, r.Position)
	dst = codec.AppendArray(dst, fixedVerdict*len(r.Verdicts))
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		dst = codec.AppendUint(dst, uint64(v.Resolvers))
		dst = codec.AppendUint(dst, uint64(v.Relation))
		dst = codec.AppendDot(dst, v.Winner)
		dst = codec.AppendInterval(dst, v.At)
	}
	if r.Evidence != nil {
		dst = appendEvidence(dst, r.Evidence)
	}
	return dst
}

func appendEvidence(dst []byte, e *Evidence) []byte {
	shape := evidenceShape(e)
	dst = codec.AppendUint(dst, shape)
	dst = codec.AppendBytes(dst, e.Value)
	dst = codec.AppendUint(dst, uint64(e.Size-len(e.Value)))
	dst = codec.AppendInterval(dst, e.Stamps.Wall)
	dst = codec.AppendUint(dst, uint64(e.Stamps.Lamport))
	if shape&rowHLC != 0 {
		dst = codec.AppendHLC(dst, e.Stamps.HLC, e.Stamps.Wall)
	}
	if shape&rowRequest != 0 {
		dst = codec.AppendUint(codec.AppendUint(dst, e.Client), e.Request)
	}
	if shape&rowDelta != 0 {
		dst = codec.AppendInt(dst, e.Delta)
	}
	if shape&rowExpires != 0 {
		dst = codec.AppendInt(dst, int64(e.Expires))
	}
	if e.Winner != nil {
		dst = codec.AppendInterval(dst, e.Winner.Wall)
		dst = codec.AppendHLC(dst, e.Winner.HLC, e.Winner.Wall)
		dst = codec.AppendUint(dst, uint64(e.Winner.Lamport))
	}
	return dst
}

// DecodeRow reads what [AppendRow] wrote and nothing else. The row shares no
// memory with b; its key and loser are left empty.
func DecodeRow(b []byte) (*Row, error) {
	r := codec.NewReader("row", b)
	n := r.Array("elements of a row", plainRow+fixedEvidence+16, 1)
	r.Require(n >= plainRow, "a row has a format, a position and verdicts")
	r.Require(r.Uint() == rowFormat, "the format is not known to this version of the program")
	row := &Row{Position: r.Uint()}
	decodeVerdicts(&r, row)
	if n > plainRow {
		decodeEvidence(&r, row, n-plainRow)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return row, nil
}

func decodeVerdicts(r *codec.Reader, row *Row) {
	n := r.Array("elements of verdicts", fixedVerdict*MaxResolvers, 1)
	r.Require(n > 0 && n%fixedVerdict == 0, "a row has verdicts of six elements each")
	if r.Failed() {
		return
	}
	row.Verdicts = make([]Verdict, n/fixedVerdict)
	for i := range row.Verdicts {
		v := &row.Verdicts[i]
		v.Resolvers = r.Mask()
		v.Relation = resolve.Relation(min(r.Uint(), uint64(resolve.Concurrent)+1))
		v.Winner = r.Dot()
		v.At = r.Interval()
	}
	if err := checkVerdicts(row.Verdicts); err != nil {
		r.Fail("%s", err)
	}
}

func decodeEvidence(r *codec.Reader, row *Row, elements int) {
	shape := r.Uint()
	r.Require(shape < rowShapes && elements == evidenceElements(shape), "shape and number of elements do not agree")
	e := &Evidence{Kind: resolve.Kind(shape & 7), Value: r.Value()}
	beyond := r.Uint()
	r.Require(beyond <= uint64(codec.MaxValue-len(e.Value)), "the whole value is too large")
	e.Size = len(e.Value) + int(beyond)
	e.Stamps.Wall = r.Interval()
	e.Stamps.Lamport = logical.Lamport(r.Uint())
	e.Stamps.HLC = logical.HLC{Wall: int64(e.Stamps.Wall.Midpoint())}
	if shape&rowHLC != 0 {
		e.Stamps.HLC = r.HLC(e.Stamps.Wall)
	}
	decodeEvidenceGroups(r, e, shape)
	r.Require(evidenceShape(e) == shape, "a group is announced and empty")
	r.Require(e.Kind >= resolve.Put && e.Kind <= resolve.Add, "the kind is not known")
	row.Evidence = e
}

func decodeEvidenceGroups(r *codec.Reader, e *Evidence, shape uint64) {
	if shape&rowRequest != 0 {
		e.Client, e.Request = r.Uint(), r.Uint()
	}
	if shape&rowDelta != 0 {
		e.Delta = r.Int()
	}
	if shape&rowExpires != 0 {
		e.Expires = wallclock.Instant(r.Int())
	}
	if shape&rowWinner != 0 {
		e.Winner = &Stamps{Wall: r.Interval()}
		e.Winner.HLC = r.HLC(e.Winner.Wall)
		e.Winner.Lamport = logical.Lamport(r.Uint())
	}
}

func evidenceShape(e *Evidence) uint64 {
	s := uint64(e.Kind)
	s |= codec.Flag(e.Stamps.HLC != logical.HLC{Wall: int64(e.Stamps.Wall.Midpoint())}, rowHLC)
	s |= codec.Flag(e.Client != 0 || e.Request != 0, rowRequest)
	s |= codec.Flag(e.Delta != 0, rowDelta)
	s |= codec.Flag(e.Expires != 0, rowExpires)
	s |= codec.Flag(e.Winner != nil, rowWinner)
	return s
}

// evidenceElements is how many elements evidence of that shape has.
func evidenceElements(shape uint64) int {
	n := fixedEvidence + bits.OnesCount64(shape>>3) + bits.OnesCount64(shape&(rowHLC|rowRequest))
	if shape&rowWinner != 0 {
		n += 4
	}
	return n
}

// CheckRow says why r cannot be encoded.
func CheckRow(r *Row) error {
	switch {
	case r.Loser.Origin == 0 || r.Loser.Seq == 0:
		return fmt.Errorf("row of key %.64q: dot %s names no operation", r.Key, r.Loser)
	case r.Position == 0:
		return fmt.Errorf("row of %s: it has no position", r.Loser)
	case len(r.Verdicts) == 0:
		return fmt.Errorf("row of %s: nobody lost it", r.Loser)
	}
	if err := codec.CheckBytes(r.Key, nil, r.Verdicts[0].At); err != nil {
		return fmt.Errorf("row of %s: %w", r.Loser, err)
	}
	if err := checkVerdicts(r.Verdicts); err != nil {
		return fmt.Errorf("row of %s: %w", r.Loser, err)
	}
	if e := r.Evidence; e != nil {
		if err := checkEvidence(e); err != nil {
			return fmt.Errorf("row of %s: %w", r.Loser, err)
		}
	}
	return nil
}

func checkVerdicts(vs []Verdict) error {
	var all resolve.Mask
	for i := range vs {
		v := &vs[i]
		switch {
		case v.Resolvers == 0 || v.Resolvers&all != 0:
			return fmt.Errorf("a verdict is nobody's, or a second one of a resolver")
		case i > 0 && vs[i-1].first() >= v.first():
			return fmt.Errorf("verdicts are not in order")
		case !v.Relation.Lost() || v.Relation > resolve.Concurrent:
			return fmt.Errorf("relation %d is no loss", v.Relation)
		case v.At.Latest < v.At.Earliest || v.At.Latest-v.At.Earliest < 0:
			return fmt.Errorf("the interval from %d to %d ns ends before it begins", v.At.Earliest, v.At.Latest)
		}
		for j := range i {
			if vs[j].Relation == v.Relation && vs[j].Winner == v.Winner && vs[j].At == v.At {
				return fmt.Errorf("one verdict stands twice")
			}
		}
		all |= v.Resolvers
	}
	return nil
}

func checkEvidence(e *Evidence) error {
	switch {
	case e.Kind < resolve.Put || e.Kind > resolve.Add:
		return fmt.Errorf("kind %d is not known", e.Kind)
	case e.Size < len(e.Value) || e.Size > codec.MaxValue:
		return fmt.Errorf("%d bytes are kept of a value of %d", len(e.Value), e.Size)
	}
	if e.Winner != nil {
		if err := codec.CheckBytes("", nil, e.Winner.Wall); err != nil {
			return err
		}
	}
	return codec.CheckBytes("", e.Value, e.Stamps.Wall)
}
