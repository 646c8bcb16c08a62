package report

import (
	"slices"
	"strings"

	"kvd/scenarios/script"
)

// participants are the leaders and clients of a picture, each with a vertical line of its
// own.
type participants struct {
	names []string
	pitch int // columns from line to line
}

// area is how many columns the lines take, arrows and marks included.
func (p participants) area() int { return max(0, len(p.names)-1)*p.pitch + 2 }

// at is the column of a participant's line, negative if it is not drawn.
func (p participants) at(name string) int {
	for i, n := range p.names {
		if n == name {
			return i * p.pitch
		}
	}
	return -1
}

func (p participants) idle(line rune) []rune {
	row := []rune(strings.Repeat(" ", p.area()))
	for i := range p.names {
		row[i*p.pitch] = line
	}
	return row
}

func (p participants) mark(name string, sign rune) []rune {
	row := p.idle('│')
	if x := p.at(name); x >= 0 {
		row[x] = sign
	}
	return row
}

// arrow is a row with a message between two participants. Its label is next to the
// sender. A message that was dropped ends before it arrives.
func (p participants) arrow(from, to, label string, end rune, dropped bool) []rune {
	row := p.idle('│')
	a, b := p.at(from), p.at(to)
	if a < 0 || b < 0 || a == b {
		return p.mark(to, end)
	}
	left, right := min(a, b), max(a, b)
	for x := left + 1; x < right; x++ {
		if row[x] == '│' {
			row[x] = '┼'
		} else {
			row[x] = '─'
		}
	}
	p.heads(row, a, b, end, dropped)
	p.label(row, a, b, label)
	return row
}

func (p participants) heads(row []rune, a, b int, end rune, dropped bool) {
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

// squeeze cuts a label to at most limit columns. The number of a label that was made up
// stays.
func squeeze(text []rune, limit int) []rune {
	if i := slices.Index(text, '#'); i > 0 && len(text)-i+2 <= limit {
		return append(append(text[:limit-1-len(text)+i:limit-1-len(text)+i], '…'), text[i:]...)
	}
	return append(text[:limit-1:limit-1], '…')
}

// label writes between the sender's line and the next one. The text is cut so that a
// piece of the arrow stays visible on either side; of an acknowledgement only the tick
// stays.
func (p participants) label(row []rune, a, b int, label string) {
	text, limit := []rune(label), p.pitch-3
	switch {
	case len(text) <= limit:
	case text[0] == '✓':
		text = text[:1]
	default:
		text = squeeze(text, limit)
	}
	if b < a {
		a -= p.pitch
	}
	copy(row[a+1+(p.pitch-1-len(text))/2:], text)
}

// Columns of a picture.
const (
	timeColumns    = 14 // of the true time
	minNoteColumns = 40 // of the words, at least
	minPitch       = 6
	maxPitch       = 12
)

// layOut decides which participants are drawn, and in which order: leaders as the script
// lists them, each client beside the leader it begins at. Where columns are too few for
// all, those that take no part are left out first, then the last ones.
func layOut(s *script.Scenario, drawn []entry, columns int) (p participants, left []string) {
	space := columns - timeColumns - minNoteColumns
	all := order(s)
	if len(all) > space/minPitch {
		all = slices.DeleteFunc(all, func(n string) bool { return !takesPart(n, drawn) })
	}
	if n := max(2, space/minPitch); len(all) > n {
		left, all = slices.Clone(all[n:]), all[:n]
	}
	pitch := maxPitch
	if len(all) > 1 {
		pitch = min(maxPitch, max(minPitch, space/len(all)))
	}
	return participants{names: all, pitch: pitch}, left
}

// order puts the first leader's clients before it and all others behind theirs.
func order(s *script.Scenario) []string {
	var all []string
	for i, n := range s.Leaders {
		if i > 0 {
			all = append(all, n)
		}
		for _, c := range s.Clients {
			if c.At == n {
				all = append(all, c.Name)
			}
		}
		if i == 0 {
			all = append(all, n)
		}
	}
	return all
}

func takesPart(name string, drawn []entry) bool {
	return slices.ContainsFunc(drawn, func(b entry) bool { return b.from == name || b.to == name })
}
