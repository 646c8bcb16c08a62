package ledger

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

// Filter says which losses to list.
type Filter struct {
	Prefix    string
	Keys      func(string) bool  // which keys, beside that; nil: all
	Resolvers resolve.Mask       // zero: those that serve
	Relations []resolve.Relation // none: all
	// Since leaves out what this leader decided wholly before it, by its clock.
	Since wallclock.Instant // zero: nothing is left out
	After Cursor            // zero: from the first on
}

func (f *Filter) takes(l *resolve.Loss, serving resolve.ID) bool {
	switch {
	case !strings.HasPrefix(l.Key, f.Prefix), f.Keys != nil && !f.Keys(l.Key):
		return false
	case f.Resolvers == 0 && l.Resolver != serving || f.Resolvers != 0 && !f.Resolvers.Has(l.Resolver):
		return false
	case len(f.Relations) > 0 && !slices.Contains(f.Relations, l.Relation):
		return false
	}
	return l.At.Latest >= f.Since && f.After.Compare(CursorOf(l)) < 0
}

// Losses yields the lost writes that f asks for, by key, dot and resolver, until
// yield answers false. Winners are the present best survivors.
func (r *Reader) Losses(f Filter, yield func(LossRecord) bool) error {
	var q *question
	var failed error
	from := f.After
	if from.Key < f.Prefix {
		from = Cursor{Key: f.Prefix}
	}
	err := r.ledger.LossesFrom(from.Key, from.Loser, func(l resolve.Loss) bool {
		if !f.takes(&l, r.cfg.Policy.Panel(l.Key).Serving) {
			return strings.HasPrefix(l.Key, f.Prefix)
		}
		if q == nil || q.object.Key != l.Key {
			q = r.about(l.Key)
		}
		q.steps = r.cfg.Steps
		d := q.lossRecord(l)
		if failed = q.err; failed != nil {
			return false
		}
		return yield(d)
	})
	return cmp.Or(failed, err)
}

// Cursor is a position in a leader's ledger: that of one row. Rows that come and go
// meanwhile do not move it. The zero Cursor is before all.
type Cursor struct {
	Key      string
	Loser    logical.Dot
	Resolver resolve.ID
}

// CursorOf is the row's position.
func CursorOf(l *resolve.Loss) Cursor { return Cursor{l.Key, l.Loser, l.Resolver} }

// Compare orders positions as the ledger does.
func (c Cursor) Compare(d Cursor) int {
	return cmp.Or(strings.Compare(c.Key, d.Key), c.Loser.Compare(d.Loser), cmp.Compare(c.Resolver, d.Resolver))
}

// cursorHead is what stands before the key: the dot, 8 and 8 bytes, and the
// resolver.
const cursorHead = 8 + 8 + 1

// String is opaque text, which [ParseCursor] reads.
func (c Cursor) String() string {
	b := make([]byte, 0, cursorHead+len(c.Key))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Loser.Origin))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Loser.Seq))
	b = append(append(b, byte(c.Resolver)), c.Key...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads what [Cursor.String] wrote.
func ParseCursor(text string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < cursorHead {
		return Cursor{}, fmt.Errorf("the cursor %.40q is not one that a listing gave; pass on what it gave, whole and unchanged, or begin without one", text)
	}
	d := logical.Dot{Origin: logical.Origin(binary.BigEndian.Uint64(b)), Seq: logical.Seq(binary.BigEndian.Uint64(b[8:]))}
	return Cursor{Key: string(b[cursorHead:]), Loser: d, Resolver: resolve.ID(b[16])}, nil
}
