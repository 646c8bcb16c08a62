package cliutil

import "github.com/xrash/smetrics"

// Nearest is the name most like the one read, or "" when none is near enough to
// have been meant.
func Nearest(read string, names []string) string {
	best, nearest := "", 1+len(read)/3
	for _, name := range names {
		if d := smetrics.WagnerFischer(read, name, 1, 1, 1); d <= nearest && d < len(name) && (best == "" || d < nearest) {
			best, nearest = name, d
		}
	}
	return best
}
