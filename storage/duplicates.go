package storage

import (
	"fmt"

	"kvd/logical"
	"kvd/storage/internal/rows"
)

// Duplicates is all dots of the request that d was given for, ascending; none if d is
// the only one. They are the caller's.
func (s reads) Duplicates(d logical.Dot) ([]logical.Dot, error) {
	var dots []logical.Dot
	var scratch [32]byte
	_, err := s.get(rows.AppendDuplicateKey(scratch[:0], d), func(b []byte) (err error) {
		dots, err = rows.DecodeDuplicatesOf(d, b)
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
	if b.refuse(rows.CheckDuplicates(dots)) {
		return
	}
	b.value = rows.AppendDuplicates(b.value[:0], dots)
	for _, d := range dots {
		b.key = rows.AppendDuplicateKey(b.key[:0], d)
		b.set()
	}
}
