package storage

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
)

// duplicatesFormat is the version of this layout, which each dot of a request is
// stored with:
//
//	format, origin, seq, origin, seq …, ascending by dot
//
// Before it there was a dot that stood alone: the other one of a pair.
const duplicatesFormat = 2

// AppendDuplicates appends the encoding of all dots of one request, which ascend, to
// dst.
func AppendDuplicates(dst []byte, dots []logical.Dot) []byte {
	dst = append(appendArray(dst, 1+2*len(dots)), duplicatesFormat)
	for _, d := range dots {
		dst = appendDot(dst, d)
	}
	return dst
}

// DecodeDuplicates reads what [AppendDuplicates] wrote and nothing else.
func DecodeDuplicates(b []byte) ([]logical.Dot, error) {
	r := newReader("duplicates", b)
	n := r.array("duplicates", 1+2*MaxDeps, 1) - 1
	r.require(n >= 0 && n%2 == 0 && r.uint() == duplicatesFormat, "the format is not known to this version of the program")
	var dots []logical.Dot
	for i := 0; i < n && r.err == nil; i += 2 {
		dots = append(dots, r.dot())
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return dots, checkDuplicates(dots)
}

// checkDuplicates says why dots cannot be encoded. No origin gives a request two.
func checkDuplicates(dots []logical.Dot) error {
	if len(dots) < 2 || len(dots) > MaxDeps {
		return fmt.Errorf("%d dots of one request; there may be 2 to %d", len(dots), MaxDeps)
	}
	for i, d := range dots {
		if d.IsZero() || i > 0 && dots[i-1].Compare(d) >= 0 {
			return errors.New("the dots of a request do not ascend")
		}
	}
	return nil
}

// decodeDuplicatesOf reads what is stored with d, in either layout.
func decodeDuplicatesOf(d logical.Dot, b []byte) ([]logical.Dot, error) {
	if len(b) == 0 || b[0] != 0x93 { // three elements: format, origin, seq
		return DecodeDuplicates(b)
	}
	other, err := decodePlainDot(b)
	if err != nil {
		return nil, err
	}
	pair := []logical.Dot{d, other}
	slices.SortFunc(pair, logical.Dot.Compare)
	return pair, checkDuplicates(pair)
}

// Duplicates is all dots of the request that d was given for, ascending; none if d is
// the only one. They are the caller's.
func (s reads) Duplicates(d logical.Dot) ([]logical.Dot, error) {
	var dots []logical.Dot
	var room [32]byte
	_, err := s.get(appendDuplicateKey(room[:0], d), func(b []byte) (err error) {
		dots, err = decodeDuplicatesOf(d, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read duplicates of %s: %w", d, err)
	}
	return dots, nil
}

// PutDuplicates remembers all dots of one request, which ascend, in place of what was
// remembered of each before.
func (b *Batch) PutDuplicates(dots []logical.Dot) {
	if b.refuse(checkDuplicates(dots)) {
		return
	}
	b.value = AppendDuplicates(b.value[:0], dots)
	for _, d := range dots {
		b.key = appendDuplicateKey(b.key[:0], d)
		b.set()
	}
}
