package storage

import (
	"math"

	"kvd/resolve"
)

// lossFormat is the version of this layout:
//
//	format, resolver, relation, key, loser: origin, seq,
//	winner: origin, seq (both 0: none), at: earliest, width
const lossFormat = 1

// elementsLoss is the length of the array.
const elementsLoss = 10

// AppendLoss appends l's encoding to dst. Equal losses give equal bytes.
func AppendLoss(dst []byte, l *resolve.Loss) []byte { return appendLoss(dst, l.Key, l) }

// appendLoss encodes l under another key: stored losses have theirs in the
// storage key.
func appendLoss(dst []byte, key string, l *resolve.Loss) []byte {
	dst = appendArray(dst, elementsLoss)
	dst = append(dst, lossFormat)
	dst = appendUint(dst, uint64(l.Resolver))
	dst = appendUint(dst, uint64(l.Relation))
	dst = appendKey(dst, key)
	dst = appendDot(dst, l.Loser)
	dst = appendDot(dst, l.Winner)
	return appendInterval(dst, l.At)
}

// DecodeLoss reads what [AppendLoss] wrote and nothing else. The loss shares no
// memory with b.
func DecodeLoss(b []byte) (resolve.Loss, error) {
	r := newReader("loss", b)
	n := r.array("elements of a loss", elementsLoss, 1)
	r.require(n == elementsLoss, "a loss has ten elements")
	r.require(r.uint() == lossFormat, "the format is not known to this version of the program")
	id, relation := r.uint(), r.uint()
	r.require(id <= math.MaxUint8 && relation <= math.MaxUint8, "resolver or relation is too large")
	l := resolve.Loss{Resolver: resolve.ID(id), Relation: resolve.Relation(relation), Key: r.key()}
	l.Loser = r.dot()
	l.Winner = r.dot()
	l.At = r.interval()
	if err := r.end(); err != nil {
		return resolve.Loss{}, err
	}
	if err := checkLoss(&l); err != nil {
		return resolve.Loss{}, err
	}
	return l, nil
}
