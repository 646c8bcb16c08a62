package resolvetest

import (
	"fmt"
	"strings"

	"kvd/resolve"
)

// Render writes out everything an object holds: equal objects, equal text.
func Render(o *resolve.Object) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q twins=%t\n", o.Key, o.Twins)
	for i := range o.Versions {
		v := &o.Versions[i]
		fmt.Fprintf(&b, "%s %s %s %q expires=%d wall=[%d %d] hlc=%s lamport=%d count=%d base=%d/%d voids=%v\n",
			v.Dot, strings.Join(v.Mask.Names(), ","), v.Kind, v.Value, v.Expires, v.Wall.Earliest, v.Wall.Latest,
			v.HLC, v.Lamport, v.Count.Total, v.Count.Base.Seq, v.Count.Base.Total, v.Count.Voids)
	}
	return b.String()
}

// RenderOp writes out what matters of an op when a law fails.
func RenderOp(op *resolve.Op) string {
	return fmt.Sprintf("%s %s %q delta=%d total=%d prev=%d seen=%v parents=%v hidden=%v deps=%s wall=[%d %d] hlc=%s lamport=%d inverted=%v request=%d/%d",
		op.Dot, op.Kind, op.Value, op.Delta, op.Total, op.Prev, op.Seen, op.Parents, op.Hidden, op.Deps,
		op.Wall.Earliest, op.Wall.Latest, op.HLC, op.Lamport, op.Inverted.Names(), op.Client, op.Request)
}
