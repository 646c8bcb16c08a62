package report

import (
	"slices"
	"strings"
)

// lanes is where the vertical lines of a picture stand.
type lanes struct {
	names []string
	pitch int // columns from lane to lane
}

// area is how many columns the lanes take, arrows and marks included.
func (l lanes) area() int { return max(0, len(l.names)-1)*l.pitch + 2 }

// at is the column of a lane, negative if it is not drawn.
func (l lanes) at(name string) int {
	for i, n := range l.names {
		if n == name {
			return i * l.pitch
		}
	}
	return -1
}

// idle is the lanes with nothing happening.
func (l lanes) idle(line rune) []rune {
	row := []rune(strings.Repeat(" ", l.area()))
	for i := range l.names {
		row[i*l.pitch] = line
	}
	return row
}

// mark is the lanes with one sign on one of them.
func (l lanes) mark(name string, sign rune) []rune {
	row := l.idle('│')
	if x := l.at(name); x >= 0 {
		row[x] = sign
	}
	return row
}

// arrow is a message from lane to lane. Its label stands beside the
// sender. A dropped one ends before it arrives.
func (l lanes) arrow(from, to, label string, end rune, dropped bool) []rune {
	row := l.idle('│')
	a, b := l.at(from), l.at(to)
	if a < 0 || b < 0 || a == b {
		return l.mark(to, end)
	}
	left, right := min(a, b), max(a, b)
	for x := left + 1; x < right; x++ {
		if row[x] == '│' {
			row[x] = '┼'
		} else {
			row[x] = '─'
		}
	}
	l.heads(row, a, b, end, dropped)
	l.label(row, a, b, label)
	return row
}

// heads draws both ends of an arrow.
func (l lanes) heads(row []rune, a, b int, end rune, dropped bool) {
	start, head, step := '├', '▶', -1
	if b < a {
		start, head, step = '┤', '◀', 1
	}
	row[a], row[b] = start, end
	row[b+step] = head
	if dropped {
		row[b] = '│'
		row[b+step] = '╳'
	}
}

// squeeze cuts a label; the number of one that was made up stays.
func squeeze(text []rune, room int) []rune {
	if i := slices.Index(text, '#'); i > 0 && len(text)-i+2 <= room {
		return append(append(text[:room-1-len(text)+i:room-1-len(text)+i], '…'), text[i:]...)
	}
	return append(text[:room-1:room-1], '…')
}

// label writes between the sender's lane and the next, cut so that a piece of
// line stays on either side. A tick stays a tick.
func (l lanes) label(row []rune, a, b int, label string) {
	text, room := []rune(label), l.pitch-3
	switch {
	case len(text) <= room:
	case text[0] == '✓':
		text = text[:1]
	default:
		text = squeeze(text, room)
	}
	if b < a {
		a -= l.pitch
	}
	copy(row[a+1+(l.pitch-1-len(text))/2:], text)
}
