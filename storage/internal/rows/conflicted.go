package rows

import "kvd/storage/codec"

// Conflicted is how many dots have two contents.
type Conflicted struct {
	Dots    int64 // whose other content is kept
	Open    int64 // those among them that nothing settles
	Bytes   int64 // of what is kept
	Omitted int64 // contents that did not fit
}

// conflictedFormat is the version of this layout:
//
//	format, dots, open, bytes, omitted
const conflictedFormat = 1

// AppendConflicted appends c to dst.
func AppendConflicted(dst []byte, c Conflicted) []byte {
	e := codec.Encode(dst).Array(5).Uint(conflictedFormat)
	for _, n := range [4]int64{c.Dots, c.Open, c.Bytes, c.Omitted} {
		e.Uint(uint64(max(n, 0)))
	}
	return e.Done()
}

// DecodeConflicted reads what AppendConflicted wrote and nothing else.
func DecodeConflicted(b []byte) (Conflicted, error) {
	d := codec.NewDecoder("conflicts", b)
	d.Tuple(5)
	d.Format(conflictedFormat)
	c := Conflicted{d.Count(), d.Count(), d.Count(), d.Count()}
	return c, d.End()
}
