package dotset

import "kvd/logical"

// Index numbers dots in the order in which they are added. The zero Index is empty.
type Index struct {
	dots  []logical.Dot
	byDot map[logical.Dot]int // once there are more than MaxScan
}

// Find is d's number, if it has one.
func (p *Index) Find(d logical.Dot) (int, bool) {
	if len(p.dots) > MaxScan {
		i, ok := p.byDot[d]
		return i, ok
	}
	for i := range p.dots {
		if p.dots[i] == d {
			return i, true
		}
	}
	return 0, false
}

// Add gives d the next number. It must not have one.
func (p *Index) Add(d logical.Dot) int {
	i := len(p.dots)
	p.dots = append(p.dots, d)
	switch {
	case i < MaxScan:
	case i > MaxScan:
		p.byDot[d] = i
	default:
		if p.byDot == nil {
			p.byDot = map[logical.Dot]int{}
		}
		for i, d := range p.dots {
			p.byDot[d] = i
		}
	}
	return i
}

// Release takes all numbers back.
func (p *Index) Release() {
	switch {
	case len(p.dots) <= MaxScan:
	case len(p.dots) > 32*MaxScan:
		p.byDot = nil // a map does not shrink
	default:
		clear(p.byDot)
	}
	p.dots = Reuse(p.dots)
}

// Reuse is s emptied, to be used again unless it has grown large.
func Reuse[T any](s []T) []T {
	const large = 1 << 15
	if cap(s) > large {
		return nil
	}
	return s[:0]
}
