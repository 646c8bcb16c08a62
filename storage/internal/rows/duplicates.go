package rows

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/storage/codec"
)

// duplicatesFormat is the version of this layout, which each dot of a request is
// stored with:
//
//	format, origin, seq, origin, seq …, ascending by dot
//
// Format 1 was a single dot: the other one of a pair.
const duplicatesFormat = 2

// AppendDuplicates appends the dots of a request, which ascend, to dst.
func AppendDuplicates(dst []byte, dots []logical.Dot) []byte {
	e := codec.Encode(dst).Array(1 + 2*len(dots)).Uint(duplicatesFormat)
	for _, d := range dots {
		e.Dot(d)
	}
	return e.Done()
}

// DecodeDuplicates reads what AppendDuplicates wrote and nothing else.
func DecodeDuplicates(b []byte) ([]logical.Dot, error) {
	d := codec.NewDecoder("duplicates", b)
	n := d.ArrayBehind(1, 2*codec.MaxDeps)
	d.Require(n%2 == 0, "duplicates come in pairs of numbers")
	d.Format(duplicatesFormat)
	var dots []logical.Dot
	for i := 0; i < n && !d.Failed(); i += 2 {
		dots = append(dots, d.Dot())
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return dots, CheckDuplicates(dots)
}

// CheckDuplicates says why dots cannot be encoded. No origin gives a request two.
func CheckDuplicates(dots []logical.Dot) error {
	if len(dots) < 2 || len(dots) > codec.MaxDeps {
		return fmt.Errorf("%d dots of one request; there may be 2 to %d", len(dots), codec.MaxDeps)
	}
	for i, d := range dots {
		if d.IsZero() || i > 0 && dots[i-1].Compare(d) >= 0 {
			return errors.New("the dots of a request do not ascend")
		}
	}
	return nil
}

// DecodeDuplicatesOf reads what is stored with d, in either layout.
func DecodeDuplicatesOf(d logical.Dot, b []byte) ([]logical.Dot, error) {
	if len(b) == 0 || b[0] != 0x93 { // three elements: format, origin, seq
		return DecodeDuplicates(b)
	}
	other, err := codec.DecodePlainDot(b)
	if err != nil {
		return nil, err
	}
	pair := []logical.Dot{d, other}
	slices.SortFunc(pair, logical.Dot.Compare)
	return pair, CheckDuplicates(pair)
}
