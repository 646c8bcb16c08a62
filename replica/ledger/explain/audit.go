package explain

import (
	"fmt"
	"strings"

	"kvd/replica/ledger"
)

// Gap names an op that does not add up.
func Gap(g *ledger.Gap) string {
	if len(g.In) == 0 {
		return fmt.Sprintf("%s of %s is neither live, superseded nor lost under %s", g.Dot, Word(g.Key), g.Resolver)
	}
	return fmt.Sprintf("%s of %s is both %s and %s under %s", g.Dot, Word(g.Key), g.In[0], g.In[1], g.Resolver)
}

// Audit is the audit in lines, one for each resolver, then the gaps.
func Audit(r *ledger.Audit) string {
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
		fmt.Fprintf(&b, "%s\n", Gap(&r.Gaps[i]))
	}
	if r.Settled > 0 {
		fmt.Fprintf(&b, "not counted, their dots were given twice and are settled: %d\n", r.Settled)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&b, "not audited, too many ops: %s\n", strings.Join(r.Skipped, ", "))
	}
	return b.String()
}
