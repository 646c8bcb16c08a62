package ledger

import (
	"fmt"
	"strings"

	"kvd/logical"
	"kvd/resolve"
)

// Balance is one resolver's count.
type Balance struct {
	Resolver                   resolve.ID
	Accepted, Live, Superseded int
	Inverted, Concurrent       int // in the ledger
	// Evicted counts ops that are lost by ancestry, neither surviving nor seen by what
	// does, and that the ledger does not list; no more of them than it says that it
	// has given up. The rest are InNone.
	Evicted int
	// Stale counts rows of writes that a survivor has seen since, which a ledger
	// that has given up rows could not retract: it follows rows from later writes
	// to earlier ones. The writes count as superseded.
	Stale         int
	InNone, InTwo int
	// Beyond counts ops that are in none and might be accounted for by a version
	// whose own log entry is gone: what that had seen cannot be told.
	Beyond int
}

// Lost is the ledger's count.
func (b *Balance) Lost() int { return b.Inverted + b.Concurrent }

// Holds reports whether it adds up.
func (b *Balance) Holds() bool {
	return b.InNone == 0 && b.InTwo == 0 && b.Accepted == b.Live+b.Superseded+b.Lost()+b.Evicted+b.Beyond
}

// Gap is an op that does not add up.
type Gap struct {
	Key      string
	Dot      logical.Dot
	Resolver resolve.ID
	In       []State // none, or two of Live, Superseded, Lost
}

// Text names the gap.
func (g *Gap) Text() string {
	if len(g.In) == 0 {
		return fmt.Sprintf("%s of %s is neither live, superseded nor lost under %s", g.Dot, word([]byte(g.Key)), g.Resolver)
	}
	return fmt.Sprintf("%s of %s is both %s and %s under %s", g.Dot, word([]byte(g.Key)), g.In[0], g.In[1], g.Resolver)
}

// Text is the audit in lines, one for each resolver, then the gaps.
func (r *Audit) Text() string {
	var b strings.Builder
	for i := range r.Balances {
		x := &r.Balances[i]
		verdict := "adds up"
		if !x.Holds() {
			verdict = "DOES NOT ADD UP"
		}
		fmt.Fprintf(&b, "%s: accepted %d = live %d + superseded %d + lost %d", x.Resolver, x.Accepted, x.Live, x.Superseded, x.Lost())
		if x.Evicted > 0 {
			fmt.Fprintf(&b, " + lost by ancestry and no longer in the ledger %d", x.Evicted)
		}
		if x.Beyond > 0 {
			fmt.Fprintf(&b, " + no longer to be told %d", x.Beyond)
		}
		fmt.Fprintf(&b, ": %s\n", verdict)
		if x.Stale > 0 {
			fmt.Fprintf(&b, "%s: %d rows are still in the ledger although a survivor has seen their writes; rows that led to them were given up\n", x.Resolver, x.Stale)
		}
	}
	for i := range r.Gaps {
		fmt.Fprintf(&b, "%s\n", r.Gaps[i].Text())
	}
	if r.Settled > 0 {
		fmt.Fprintf(&b, "not counted, their dots were given twice and are settled: %d\n", r.Settled)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&b, "not audited, too many ops: %s\n", strings.Join(r.Skipped, ", "))
	}
	return b.String()
}
