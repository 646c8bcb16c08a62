package resolve

import "kvd/logical"

// dotIndex numbers dots in the order in which they are added. Most folds add few, and
// scanning a few is cheaper than a map.
type dotIndex struct {
	dots  []logical.Dot
	byDot map[logical.Dot]int // once there are more than fewDots
}

const maxScan = 12

// find is d's number, if it has one.
func (p *dotIndex) find(d logical.Dot) (int, bool) {
	if len(p.dots) > maxScan {
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

// add gives d the next number. It must not have one.
func (p *dotIndex) add(d logical.Dot) int {
	i := len(p.dots)
	p.dots = append(p.dots, d)
	switch {
	case i < maxScan:
	case i > maxScan:
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

// rest takes all numbers back.
func (p *dotIndex) release() {
	switch {
	case len(p.dots) <= maxScan:
	case len(p.dots) > 32*maxScan:
		p.byDot = nil // a map does not shrink
	default:
		clear(p.byDot)
	}
	p.dots = reuse(p.dots)
}
