package storage

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

func appendDuplicates(dst []byte, dots []logical.Dot) []byte {
	e := codec.Encode(dst).Array(1 + 2*len(dots)).Uint(duplicatesFormat)
	for _, d := range dots {
		e.Dot(d)
	}
	return e.Done()
}

// decodeDuplicates reads what appendDuplicates wrote and nothing else.
func decodeDuplicates(b []byte) ([]logical.Dot, error) {
	d := codec.NewDecoder("duplicates", b)
	n := d.Array(1+2*codec.MaxDeps) - 1
	d.Require(n%2 == 0, "duplicates come in pairs of numbers")
	d.Format(duplicatesFormat)
	var dots []logical.Dot
	for i := 0; i < n && !d.Failed(); i += 2 {
		dots = append(dots, d.Dot())
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return dots, checkDuplicates(dots)
}

// checkDuplicates says why dots cannot be encoded. No origin gives a request two.
func checkDuplicates(dots []logical.Dot) error {
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

// decodeDuplicatesOf reads what is stored with d, in either layout.
func decodeDuplicatesOf(d logical.Dot, b []byte) ([]logical.Dot, error) {
	if len(b) == 0 || b[0] != 0x93 { // three elements: format, origin, seq
		return decodeDuplicates(b)
	}
	other, err := codec.DecodePlainDot(b)
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
	var scratch [32]byte
	_, err := s.get(appendDuplicateKey(scratch[:0], d), func(b []byte) (err error) {
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
	b.value = appendDuplicates(b.value[:0], dots)
	for _, d := range dots {
		b.key = appendDuplicateKey(b.key[:0], d)
		b.set()
	}
}
