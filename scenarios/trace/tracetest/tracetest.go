// Package tracetest writes events of a trace as lines for golden files.
package tracetest

import (
	"fmt"
	"strings"

	"kvd/scenarios/trace"
)

// Line is one event: when, where, what, and all that is said of it.
func Line(e trace.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.At, e.Kind)
	word := func(before, text string) {
		if text != "" {
			b.WriteString(before + text)
		}
	}
	word(" ", e.Where)
	word(" ", e.Label)
	word(" of ", e.Key)
	word(" to ", e.Other)
	if e.Kind == trace.Shown || e.Kind == trace.Final || e.Kind == trace.Accepted {
		fmt.Fprintf(&b, " %q", e.Values)
	}
	word(", peer ", e.Peer)
	if len(e.Dots) > 0 && e.Kind == trace.Accepted {
		fmt.Fprintf(&b, ", over %d", len(e.Dots))
	}
	if e.Again > 0 {
		fmt.Fprintf(&b, ", %d times more until %s", e.Again, e.Until)
	}
	word(": ", e.Text)
	return b.String()
}
