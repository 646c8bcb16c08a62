package rows

import (
	"fmt"
	"math"

	"kvd/resolve"
	"kvd/storage/codec"
	"kvd/storage/losses"
)

// DecodeAside reads an old row that was set aside: ten elements, namely format,
// resolver, relation, an empty key, loser, winner (both 0: none), at: earliest,
// width.
func DecodeAside(k, v []byte) (resolve.Loss, error) {
	end := len(k) - 1
	key, loser, ok := SplitRowKey(k[:max(end, 0)])
	if !ok {
		return resolve.Loss{}, fmt.Errorf("ledger key %x is not well formed", k)
	}
	r := codec.NewReader("loss", v)
	n := r.Array("elements of a loss", 10, 1)
	r.Require(n == 10 && r.Uint() == 1, "the format is not known to this version of the program")
	id, relation, none := r.Uint(), r.Uint(), r.Key()
	r.Require(id == uint64(k[end]) && id < losses.MaxResolvers, "the resolver is not the one of the key, or not known")
	r.Require(relation <= math.MaxUint8 && none == "" && r.Dot() == loser, "the loser is not the one of the key")
	l := resolve.Loss{Resolver: resolve.ID(id), Relation: resolve.Relation(relation), Key: key, Loser: loser, Winner: r.Dot(), At: r.Interval()}
	if err := r.End(); err != nil {
		return l, fmt.Errorf("row of %s: %w", loser, err)
	}
	return l, nil
}
