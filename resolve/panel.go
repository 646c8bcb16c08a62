package resolve

import (
	"fmt"
	"slices"
	"strings"

	"kvd/resolve/doomed"
	"kvd/resolve/internal/dotset"
	"kvd/wallclock"
)

// Panel is the resolver that serves a key and the shadows that only watch it.
type Panel struct {
	Serving ID
	Shadows Mask
	// Rules replaces the table's rules where it has one. It is for tests, which plant
	// mistakes to see that the laws catch them; nil everywhere else.
	Rules *Rules
}

// Rules is one rule for each resolver; nil entries leave the table's.
type Rules [resolvers]Resolver

// Mask is every resolver of the panel.
func (p Panel) Mask() Mask { return p.Serving.Mask() | p.Shadows }

// rule is the resolver's rule in this panel.
func (p Panel) rule(id ID) Resolver {
	if p.Rules != nil && p.Rules[id] != nil {
		return p.Rules[id]
	}
	return table[id].rule
}

// Survivors appends the indexes of o's versions that resolver id shows to a
// reader, best first, deletions among them.
func (p Panel) Survivors(o *Object, id ID, dst []int) []int {
	switch bit := id.Mask(); {
	case p.Rules != nil && p.Rules[id] != nil:
		return append(dst, p.Rules[id].Survivors(o, bit, nil)...)
	case id == Interval:
		return interval{}.Survivors(o, bit, dst)
	case id == Causal:
		return causal{}.Survivors(o, bit, dst)
	default:
		return kept(o, bit, dst) // called directly, so that dst may be on the caller's stack
	}
}

// LiveSize is how many versions a live set has, and the bytes of their values.
type LiveSize struct{ Versions, Bytes int }

func (c *LiveSize) add(value []byte) { c.Versions, c.Bytes = c.Versions+1, c.Bytes+len(value) }

// LiveSizes is the size of the serving resolver's live set before op, which was drafted
// on o and is accepted at wall, and after it. Both are zero for a resolver that keeps
// one version, or totals.
func (p Panel) LiveSizes(o *Object, op *Op, wall wallclock.Interval) (before, after LiveSize) {
	bit := p.Serving.Mask().ofFamily(liveSet)
	if bit == 0 {
		return LiveSize{}, LiveSize{}
	}
	over, hidden := dotset.Of(op.Parents), dotset.Of(op.Hidden)
	for i := range o.Versions {
		v := &o.Versions[i]
		if v.Mask&bit == 0 {
			continue
		}
		before.add(v.Value)
		if over.Has(v.Dot) || hidden.Has(v.Dot) || p.Serving == Interval && v.Wall.Before(wall) {
			continue
		}
		after.add(v.Value)
	}
	if op.Kind != Delete || p.Serving != Siblings {
		after.add(op.Value)
	}
	return before, after
}

// Fold applies op, whose parents and everything its leader had applied were
// folded before, to the object in place, and appends verdicts to dst. Folding an
// op whose version is still there changes nothing; whoever feeds ops keeps a
// frontier, so that others are not folded twice.
//
// The object keeps op.Value: it must not be written to any more.
func (p Panel) Fold(o *Object, op *Op, h History, dst []Verdict) []Verdict {
	return new(Folder).Fold(p, o, op, h, dst)
}

// Policy says which resolver serves a key: the longest matching prefix, else
// the default. It is the same on all leaders. The zero Policy serves every key
// by lww without shadows.
type Policy struct {
	Default ID
	Acks    int    // of keys whose rule has none
	Shadows Mask   // resolvers that watch every key
	Rules   []Rule // sorted by prefix, no prefix twice
	// Mistaken is the Rules of every panel; it is for tests (see [Panel]).
	Mistaken *Rules
}

// Rule gives the keys that begin with Prefix to Resolver.
type Rule struct {
	Prefix     string
	Resolver   ID
	Pick       bool        // a plain read of several values shows the first instead of refusing
	Doomed     doomed.Fate // what becomes of a write that would lose where it is accepted; of rules that compare stamps
	CommitWait bool        // of interval: a write is answered once its stamp is surely past
	Acks       int         // leaders, the accepting one included, to hold a write durably before it is answered; 0: as Policy.Acks
}

// SetDoomed says by name what becomes of doomed writes.
func (r *Rule) SetDoomed(fate string) (err error) {
	r.Doomed, err = doomed.Parse(fate)
	return err
}

// Validate sorts the rules and refuses a prefix that is given twice.
func (p *Policy) Validate() error {
	slices.SortFunc(p.Rules, func(a, b Rule) int { return strings.Compare(a.Prefix, b.Prefix) })
	for i := 1; i < len(p.Rules); i++ {
		if p.Rules[i].Prefix == p.Rules[i-1].Prefix {
			return fmt.Errorf("policy: prefix %q is given both %s and %s; keep one", p.Rules[i].Prefix, p.Rules[i-1].Resolver, p.Rules[i].Resolver)
		}
	}
	for _, r := range p.Rules {
		if r.CommitWait && r.Resolver != Interval {
			return fmt.Errorf("policy: prefix %q: commit-wait is for interval; the stamps of %s do not say how wrong a clock may be", r.Prefix, r.Resolver)
		}
		if r.Doomed != doomed.Accept && table[r.Resolver].by != stamps && r.Resolver != Interval {
			return fmt.Errorf("policy: prefix %q: %s never loses a write that its leader knows to be beaten; doomed= is for lww, lamport, hlc and interval", r.Prefix, r.Resolver)
		}
	}
	return nil
}

// Panel is who judges the key.
func (p *Policy) Panel(key string) Panel {
	id := p.Rule(key).Resolver
	return Panel{Serving: id, Shadows: p.Shadows &^ id.Mask(), Rules: p.Mistaken}
}

// Judges reports whether both policies give the key to the same panel.
func (p *Policy) Judges(key string, as *Policy) bool {
	a, b := p.Panel(key), as.Panel(key)
	return a.Serving == b.Serving && a.Shadows == b.Shadows
}

// Same reports whether both policies give every key to the same panel. A rule that
// repeats a shorter prefix or the default makes no difference.
func (p *Policy) Same(as *Policy) bool {
	for _, q := range [2]*Policy{p, as} {
		for _, r := range q.Rules {
			if !p.Judges(r.Prefix, as) {
				return false
			}
		}
	}
	return p.Judges("", as)
}

// Picks reports whether a plain read of several values may show the first.
func (p *Policy) Picks(key string) bool { return p.Rule(key).Pick }

// Rule is the one with the longest prefix that the key begins with, else the default.
func (p *Policy) Rule(key string) Rule {
	best, longest := Rule{Resolver: p.Default}, -1
	for _, r := range p.Rules {
		if len(r.Prefix) > longest && strings.HasPrefix(key, r.Prefix) {
			best, longest = r, len(r.Prefix)
		}
	}
	return best
}

// String renders the policy canonically; leaders compare it before they join.
func (p *Policy) String() string {
	var b strings.Builder
	if fmt.Fprintf(&b, "*=%s", p.Default); p.Acks > 0 {
		fmt.Fprintf(&b, ",acks=%d", p.Acks)
	}
	for _, r := range p.Rules {
		fmt.Fprintf(&b, " %q=%s", r.Prefix, r.Resolver)
		if r.Pick {
			b.WriteString(",read=pick")
		}
		if r.CommitWait {
			b.WriteString(",commit-wait")
		}
		if r.Acks > 0 {
			fmt.Fprintf(&b, ",acks=%d", r.Acks)
		}
		if r.Doomed != doomed.Accept {
			fmt.Fprintf(&b, ",doomed=%s", r.Doomed)
		}
	}
	return b.String()
}
