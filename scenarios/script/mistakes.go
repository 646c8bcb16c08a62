package script

import (
	"maps"
	"slices"
	"strings"

	"kvd/scenarios/script/internal/mistake"
	"kvd/scenarios/script/internal/spell"
)

// Error is one mistake in a script, and Mistakes are all that is wrong with it.
type (
	Error    = mistake.Error
	Mistakes = mistake.Mistakes
)

// assume takes from a line with a mistake what other lines may refer to, so that they are
// not blamed for it: labels, backups, leaders, and what a misspelt verb was meant to say.
func (p *parser) assume(l line) {
	r := p.reader(l)
	verb := r.next().raw
	if _, known := p.row(verb); !known {
		verb = spell.Nearest(verb, p.verbsAt(Declaration, Ending))
		if row, ok := p.row(verb); ok {
			p.seen[verb] = true
			row.whole(p, r) // its other mistakes are told when the word is right
		}
	}
	words := strings.Fields(l.text)
	for i, w := range words {
		if i > 0 && verb == "leaders" && spell.IsName(w) && !p.leaderNames[w] {
			p.leaderNames[w] = true
			p.scenario.Leaders = append(p.scenario.Leaders, w)
		}
		if _, known := p.locks[w]; i > 0 && words[i-1] == string(OpLock) && !known {
			p.locks[w] = slices.Contains(words[i+1:], redlock)
		}
		if i == 0 || words[i-1] != "as" || !spell.IsName(w) {
			continue
		}
		p.backups[w] = true
		if _, ok := p.labels[w]; !ok {
			p.labels[w] = label{op: ClientOp{Kind: OpSet}}
		}
	}
}

// namesOf renders names of a string type for a message.
func namesOf[T ~string](values []T) []string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return names
}

func sortedKeys[V any](set map[string]V) []string { return slices.Sorted(maps.Keys(set)) }
