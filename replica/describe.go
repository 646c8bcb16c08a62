package replica

import (
	"kvd/replica/internal/weigh"
	"kvd/resolve"
)

// Weigh is about how much memory the object holds, in bytes.
func Weigh(o *resolve.Object) int64 { return weigh.Object(o) }

// describe says of what a key shows when it was written last, and what it takes.
func (p *Present) describe(o *resolve.Object) {
	p.Bytes = Weigh(o)
	for _, d := range p.Reading.Dots {
		if i, there := o.Find(d); there && !o.Versions[i].Deleted() {
			p.Written = max(p.Written, o.Versions[i].Wall.Midpoint())
		}
	}
}
