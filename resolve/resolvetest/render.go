package resolvetest

import (
	"fmt"
	"strings"

	"kvd/resolve"
)

// Render writes out everything an object holds: equal objects, equal text.
func Render(o *resolve.Object) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q duplicates=%t\n", o.Key, o.Duplicates)
	for i := range o.Versions {
		v := &o.Versions[i]
		fmt.Fprintf(&b, "%s %s %s %q expires=%d stated=%s wall=[%d %d] hlc=%s lamport=%d count=%s base=%d/%s voids=%v ends=%v\n",
			v.Dot, strings.Join(v.Mask.Names(), ","), v.Kind, v.Value, v.Expires, stated(v.Touched), v.Wall.Earliest, v.Wall.Latest,
			v.HLC, v.Lamport, v.Count.Total, v.Count.Base.Seq, v.Count.Base.Total, v.Count.Voids, v.Count.Deadlines)
	}
	return b.String()
}

func stated(s *resolve.Stamp) string {
	if s == nil {
		return "itself"
	}
	return fmt.Sprintf("%s by %s", s.HLC, s.By)
}

// RenderOp writes out what matters of an op when a law fails.
func RenderOp(op *resolve.Op) string {
	return fmt.Sprintf("%s %s %q expires=%d stated=%v delta=%s total=%s prev=%d seen=%v parents=%v hidden=%v deps=%s wall=[%d %d] hlc=%s lamport=%d inverted=%v request=%d/%d",
		op.Dot, op.Kind, op.Value, op.Expires, op.Stated, op.Delta, op.Total, op.Prev, op.Seen, op.Parents, op.Hidden, op.Deps,
		op.Wall.Earliest, op.Wall.Latest, op.HLC, op.Lamport, op.Inverted.Names(), op.Client, op.Request)
}
