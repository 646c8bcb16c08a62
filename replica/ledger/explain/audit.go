package explain

import (
	"fmt"
	"strings"

	"kvd/logical"
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
	if n := r.Removed.Beyond(logical.Frontier{}); n > 0 {
		fmt.Fprintf(&b, "not counted, the log does not keep them any more: %d; history begins behind them\n", n)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&b, "not audited, too many ops: %s\n", strings.Join(r.Skipped, ", "))
	}
	return b.String()
}

// Advice is the sentence of an advice.
func Advice(a *ledger.Advice) string {
	lost := a.Lost[a.Serving]
	switch a.Because {
	case ledger.LostIncrements:
		return fmt.Sprintf("%s under %s: a counter would have lost none.", increments(a.Stats), a.Serving)
	case ledger.LostAmongOthers:
		return fmt.Sprintf("%s under %s; a counter would have lost none of them, but the prefix holds other values too: give the numbers a prefix of their own.", increments(a.Stats), a.Serving)
	case ledger.LosesLess:
		return fmt.Sprintf("%s under %s: %s, which shows one value as well, would have lost %d; siblings would have lost none.",
			lostHere(a.Stats, count(lost.Total(), "write")), a.Serving, a.Better, a.Lost[a.Better].Total())
	case ledger.LosesNone:
		return fmt.Sprintf("%s under %s: siblings would have lost none, and clients would have been shown the values to merge.",
			lostHere(a.Stats, count(lost.Total(), "write")), a.Serving)
	}
	return fmt.Sprintf("One key shows %d values under %s: clients do not merge what they are shown; let them write with the token they read with, or serve the prefix by causal, which shows one.", a.Siblings, a.Serving)
}

func increments(s *ledger.Stats) string {
	lost := s.Lost[s.Serving]
	var said []string
	if lost.Increments > 0 {
		said = append(said, count(lost.Increments, "increment"))
	}
	switch {
	case lost.Alike == 1:
		said = append(said, "1 write that looks like an increment")
	case lost.Alike > 0:
		said = append(said, count(lost.Alike, "write")+" that look like increments")
	}
	return lostHere(s, joined(said))
}

func lostHere(s *ledger.Stats, what string) string {
	if s.Prefix == "" {
		return what + " lost"
	}
	return what + " lost on " + Word(s.Prefix)
}

// Evidence is the numbers behind the advice.
func Evidence(a *ledger.Advice) []string {
	lost := a.Lost[a.Serving]
	alike := ""
	if a.Alike > 0 {
		alike = fmt.Sprintf("%d that look like increments, ", a.Alike)
	}
	out := []string{fmt.Sprintf("%d writes accepted, %d of them increments, %s%d blind", a.Writes, a.Increments, alike, a.Blind)}
	if lost.Total() > 0 {
		out = append(out, fmt.Sprintf("%d inverted and %d concurrent under %s", lost.Inverted, lost.Concurrent, a.Serving))
	}
	if better := a.Better; better.Loses() && a.Panel.Has(better) {
		out = append(out, fmt.Sprintf("%d lost by %s, which watched", a.Lost[better].Total(), better))
	}
	if a.Evicted > 0 {
		out = append(out, fmt.Sprintf("%s of this leader's ledger given up, of this prefix or others: what they told of is not counted", count(int(a.Evicted), "row")))
	}
	if a.Siblings > 1 {
		out = append(out, fmt.Sprintf("up to %d values at once", a.Siblings))
	}
	return out
}
