package cliutil

import (
	"strings"

	"github.com/xrash/smetrics"
)

// Nearest is the name most like the one read, or "" when none is near enough to
// have been meant: a few letters off, two of them swapped, in capitals, or its
// beginning.
func Nearest(read string, names []string) string {
	read = strings.ToLower(read)
	best, nearest := "", max(1, len(read)/3)
	for _, name := range names {
		if d := apart(read, name); d <= nearest && d < len(name) && (best == "" || d < nearest) {
			best, nearest = name, d
		}
	}
	if best == "" && len(read) > 2 {
		best = begun(read, names)
	}
	return best
}

// apart is how many letters lie between two names; neighbours that changed
// places are one.
func apart(a, b string) int {
	d := smetrics.WagnerFischer(a, b, 1, 1, 1)
	if d != 2 || len(a) != len(b) {
		return d
	}
	for i := range len(a) - 1 {
		if a[i] == b[i+1] && a[i+1] == b[i] && a[:i] == b[:i] && a[i+2:] == b[i+2:] {
			return 1
		}
	}
	return d
}

// begun is the only name that begins so, or "".
func begun(read string, names []string) string {
	found := ""
	for _, name := range names {
		switch {
		case !strings.HasPrefix(name, read):
		case found != "":
			return ""
		default:
			found = name
		}
	}
	return found
}
