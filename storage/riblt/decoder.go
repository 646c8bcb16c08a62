package riblt

import "errors"

// ErrContradiction is what symbols end in that belong to no two sets.
var ErrContradiction = errors.New("the symbols of the two sets contradict each other")

// Decoder takes the symbols of two sets and gives their difference. It belongs to one
// goroutine. The zero Decoder has an empty key.
type Decoder struct {
	key     Key
	symbols []Symbol // the difference, less what was found
	pure    []int    // symbols that may hold one item alone
	mine    []uint64
	theirs  []uint64
	seen    map[uint64]bool
	err     error
}

// NewDecoder is for the sets whose symbols were made with the key.
func NewDecoder(key Key) *Decoder { return &Decoder{key: key, seen: map[uint64]bool{}} }

// Len is how many symbols were added; the next to add is the one of that index.
func (d *Decoder) Len() int { return len(d.symbols) }

// Add takes the next symbols of both sets, as many of one as of the other, and reports
// whether the difference is known now; if not, more are needed.
func (d *Decoder) Add(mine, theirs []Symbol) (bool, error) {
	if d.err != nil || len(mine) != len(theirs) {
		return false, errors.Join(d.err, ErrContradiction)
	}
	from := len(d.symbols)
	for i := range mine {
		s := mine[i]
		s.Sum, s.Check, s.Count = s.Sum^theirs[i].Sum, s.Check^theirs[i].Check, s.Count-theirs[i].Count
		d.symbols = append(d.symbols, s)
	}
	d.takeOut(d.mine, from, 1)
	d.takeOut(d.theirs, from, -1)
	for i := from; i < len(d.symbols); i++ {
		d.look(i)
	}
	d.err = d.peel()
	return d.err == nil && d.decoded(), d.err
}

// takeOut removes items that were found before from the symbols that came since.
func (d *Decoder) takeOut(items []uint64, from int, n int64) {
	for _, item := range items {
		check := d.key.check(item)
		for p := d.key.places(item); p.at < len(d.symbols); p.next() {
			if p.at >= from {
				d.symbols[p.at].apply(item, check, -n)
			}
		}
	}
}

// look notes a symbol that may hold one item.
func (d *Decoder) look(i int) {
	if s := &d.symbols[i]; (s.Count == 1 || s.Count == -1) && d.key.check(s.Sum) == s.Check {
		d.pure = append(d.pure, i)
	}
}

// peel takes single items out of all symbols until there are none. Each is found once, and
// there are no more than symbols, so it ends.
func (d *Decoder) peel() error {
	for len(d.pure) > 0 {
		i := d.pure[len(d.pure)-1]
		d.pure = d.pure[:len(d.pure)-1]
		s := d.symbols[i]
		if s.Count != 1 && s.Count != -1 || d.key.check(s.Sum) != s.Check {
			continue // it was taken out by way of another
		}
		if d.seen[s.Sum] || len(d.seen) >= len(d.symbols) {
			return ErrContradiction
		}
		d.seen[s.Sum] = true
		if s.Count == 1 {
			d.mine = append(d.mine, s.Sum)
		} else {
			d.theirs = append(d.theirs, s.Sum)
		}
		held := false
		for p := d.key.places(s.Sum); p.at < len(d.symbols); p.next() {
			held = held || p.at == i
			d.symbols[p.at].apply(s.Sum, s.Check, -s.Count)
			d.look(p.at)
		}
		if !held {
			return ErrContradiction
		}
	}
	return nil
}

// decoded reports whether nothing is left. Every item is in the first symbol.
func (d *Decoder) decoded() bool {
	for i := range d.symbols {
		if !d.symbols[i].isZero() {
			return false
		}
	}
	return len(d.symbols) > 0
}

// Mine is the items that only the first set has, in no order, once all is known. The slice
// is the decoder's.
func (d *Decoder) Mine() []uint64 { return d.mine }

// Theirs is the items that only the second set has.
func (d *Decoder) Theirs() []uint64 { return d.theirs }
