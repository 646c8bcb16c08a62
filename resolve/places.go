package resolve

import "kvd/logical"

// places numbers dots in the order in which they are added. Most folds come upon
// few of them, and looking through a few is cheaper than a map.
type places struct {
	dots []logical.Dot
	at   map[logical.Dot]int // once there are more than fewDots
}

const fewDots = 12

// find is d's number, if it has one.
func (p *places) find(d logical.Dot) (int, bool) {
	if len(p.dots) > fewDots {
		i, ok := p.at[d]
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
func (p *places) add(d logical.Dot) int {
	i := len(p.dots)
	p.dots = append(p.dots, d)
	switch {
	case i < fewDots:
	case i > fewDots:
		p.at[d] = i
	default:
		if p.at == nil {
			p.at = map[logical.Dot]int{}
		}
		for i, d := range p.dots {
			p.at[d] = i
		}
	}
	return i
}

// rest takes all numbers back.
func (p *places) rest() {
	switch {
	case len(p.dots) <= fewDots:
	case len(p.dots) > 32*fewDots:
		p.at = nil // a map does not shrink
	default:
		clear(p.at)
	}
	p.dots = spare(p.dots)
}
