package scenarios

import (
	"fmt"
	"strings"
	"time"

	"kvd/resolve"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
	"kvd/storage"
)

// promises judges what the script promises and what holds in every history.
func promises(s *script.Scenario, v *oracle.Judgement, policy *resolve.Policy, p Played, o Options) []Promise {
	var out []Promise
	for _, c := range s.Checks {
		if c.Applies(o.Resolver.String()) {
			held, at, why := check(v, c)
			out = append(out, Promise{Check: strings.TrimPrefix(c.String(), "check "), Kind: string(c.Kind()), Held: held, At: at, Why: why})
		}
	}
	return append(out, always(v, policy, p, o)...)
}

// check judges one promise of the script.
func check(v *oracle.Judgement, c script.Check) (held bool, at time.Duration, why string) {
	switch c.Name {
	case script.CheckConverged:
		return v.CheckConverged()
	case script.CheckLost:
		return v.CheckLost(c.Key, c.Count)
	case script.CheckAcked:
		return v.CheckAccounted()
	case script.CheckSession:
		return v.CheckSession(c.Client, oracle.Guarantee(c.Guarantee))
	case script.CheckNoResurrection:
		return v.CheckNoResurrection(c.Key)
	case script.CheckNoOvercount:
		return v.CheckNoOvercount(c.Key)
	case script.CheckValue:
		return v.CheckValue(c.Key, c.Value.Value, !c.Value.Set)
	case script.CheckVisible:
		return v.CheckVisible(c.First, c.Then)
	case script.CheckDurability:
		return v.CheckDurability(c.Count)
	}
	return false, 0, fmt.Sprintf("nobody knows how to judge %q", c.Name)
}

// always is what must hold in every history, whatever the script says.
func always(v *oracle.Judgement, policy *resolve.Policy, p Played, o Options) []Promise {
	return []Promise{
		ledgersAgree(v, policy, p, o),
		promise("no acknowledgement contradicts another", "safety", contradictions(v)),
		promise("equal frontiers are equal states", "safety", states(p.Nodes)),
		promise("what follows causality is never inverted", "safety", inversions(v, p.Refused, o.Resolver)),
	}
}

// ledgersAgree holds the servers' own account against the oracle's. Where ledgers
// are bounded it cannot, and only asks that each adds up: what was booked is held,
// withdrawn or shed.
func ledgersAgree(v *oracle.Judgement, policy *resolve.Policy, p Played, o Options) Promise {
	var unsound []string
	for _, n := range p.Nodes {
		if n.Unsound != nil {
			unsound = append(unsound, fmt.Sprintf("%s: %v", n.Name, n.Unsound))
		}
	}
	if o.Ledger != (storage.Retention{}) {
		return promise("every ledger adds up", "safety", unsound)
	}
	return promise("the servers' ledgers agree with the oracle", "liveness", append(v.Agree(ledgers(policy, p.Nodes)), unsound...))
}

// promise is kept when nothing speaks against it.
func promise(check, kind string, against []string) Promise {
	return Promise{Check: check, Kind: kind, Held: len(against) == 0, Why: strings.Join(against[:min(3, len(against))], "; ")}
}

// ledgers is every leader's rows for the resolver that serves the key.
func ledgers(policy *resolve.Policy, nodes []world.Node) map[string][]oracle.LedgerRow {
	out := map[string][]oracle.LedgerRow{}
	for _, n := range nodes {
		out[n.Name] = nil
		for _, l := range n.Losses {
			if policy.Panel(l.Key).Serving == l.Resolver {
				out[n.Name] = append(out[n.Name], oracle.LedgerRow{Key: l.Key, Dot: l.Loser, Class: l.Relation.String()})
			}
		}
	}
	return out
}

func contradictions(v *oracle.Judgement) []string {
	var out []string
	for _, c := range v.Contradictions {
		out = append(out, c.Why)
	}
	return out
}

// states compares leaders that have applied the same ops.
func states(nodes []world.Node) []string {
	var out []string
	for i := range nodes {
		for j := range i {
			if nodes[i].Frontier == nodes[j].Frontier && nodes[i].Digest != nodes[j].Digest {
				out = append(out, fmt.Sprintf("%s and %s have applied the same ops and hold different objects", nodes[j].Name, nodes[i].Name))
			}
		}
	}
	return out
}

// inversions is what may not be inverted: nothing under lamport, siblings,
// causal and counter, and under hlc nothing unless a drift guard refused a
// stamp.
func inversions(v *oracle.Judgement, refused bool, id resolve.ID) []string {
	switch id {
	case resolve.LWW, resolve.Interval:
		return nil
	case resolve.HLC:
		if refused {
			return nil
		}
	}
	var out []string
	for _, l := range v.Losses {
		if l.Class == oracle.Inverted {
			out = append(out, fmt.Sprintf("%s of %s lost to what it was based on", l.Label, l.Key))
		}
	}
	return out
}
