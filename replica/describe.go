package replica

import "kvd/resolve"

// What an object takes beside keys and values, about.
const (
	entryBytes   = 320 // entry, object, and their share of map and ring
	versionBytes = 176
	voidBytes    = 32
)

// Weigh is about how much memory the object holds, in bytes.
func Weigh(o *resolve.Object) int64 {
	n := entryBytes + len(o.Key) + versionBytes*len(o.Versions)
	for i := range o.Versions {
		n += len(o.Versions[i].Value) + voidBytes*len(o.Versions[i].Count.Voids)
	}
	return int64(n)
}

// describe says of what a key shows when it was written last, and what it takes.
func (p *Present) describe(o *resolve.Object) {
	p.Bytes = Weigh(o)
	for _, d := range p.Reading.Dots {
		if i, there := o.Find(d); there && !o.Versions[i].Deleted() {
			p.Written = max(p.Written, o.Versions[i].Wall.Midpoint())
		}
	}
}
