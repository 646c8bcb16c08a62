package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kvd/resolve"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
	"kvd/storage/losses"
)

// promises judges what the script promises and what holds in every history.
func promises(s *script.Scenario, v *oracle.Judgement, policy *resolve.Policy, p Played, o Options) []Promise {
	var out []Promise
	for _, c := range s.Checks {
		if about, applies := subject(s, v, policy, c); applies {
			held, at, why := check(about, c, p.Nodes)
			out = append(out, Promise{Check: strings.TrimPrefix(c.String(), "check "), Kind: string(c.Kind()), Held: held, At: at, Why: why})
		}
	}
	return append(out, always(v, policy, p, o)...)
}

// subject is what a promise is about: the judgement of the keys that the resolvers
// it is made for serve, and whether there are any.
func subject(s *script.Scenario, v *oracle.Judgement, policy *resolve.Policy, c script.Check) (*oracle.Judgement, bool) {
	serves := func(key string) bool { return c.Applies(policy.Panel(key).Serving.String()) }
	keys := s.Keys()
	switch {
	case len(c.For) == 0 || len(keys) == 0:
		return v, c.Applies(policy.Default.String())
	case c.Key != "":
		return v, serves(c.Key)
	case c.Name == script.CheckVisible:
		return v, serves(s.KeyOf(c.Then))
	case !slices.ContainsFunc(keys, func(key string) bool { return !serves(key) }):
		return v, true
	}
	return v.Among(serves), slices.ContainsFunc(keys, serves)
}

// check judges one promise of the script.
func check(v *oracle.Judgement, c script.Check, nodes []world.Node) (held bool, at time.Duration, why string) {
	switch c.Name {
	case script.CheckConverged:
		return v.CheckConverged()
	case script.CheckLost:
		return v.CheckLost(c.Key, c.Count)
	case script.CheckAcked:
		return v.CheckAccounted()
	case script.CheckSession:
		return v.CheckSession(c.Client, c.Guarantee)
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
	case script.CheckLog:
		why := longer(nodes, c.Count)
		return why == "", 0, why
	}
	return false, 0, fmt.Sprintf("nobody knows how to judge %q", c.Name)
}

// longer names the leaders whose log has more bytes; empty: none has.
func longer(nodes []world.Node, bytes int64) string {
	var out []string
	for _, n := range nodes {
		if n.LogBytes > bytes {
			out = append(out, fmt.Sprintf("the log of %s has %d bytes", n.Name, n.LogBytes))
		}
	}
	return strings.Join(out, "; ")
}

// always is what must hold in every history, whatever the script says.
func always(v *oracle.Judgement, policy *resolve.Policy, p Played, o Options) []Promise {
	return []Promise{
		ledgersAgree(v, policy, p, o),
		contradictions(v),
		promise("equal frontiers are equal states", "safety", p.Took, states(p.Nodes)),
		inversions(v, p.Refused, policy),
	}
}

// ledgersAgree compares the servers' own ledgers with the oracle. Where ledgers are
// bounded it cannot, and only checks that each adds up: what was inserted is there,
// retracted or evicted.
func ledgersAgree(v *oracle.Judgement, policy *resolve.Policy, p Played, o Options) Promise {
	var unsound []string
	for _, n := range p.Nodes {
		if n.Unsound != nil {
			unsound = append(unsound, fmt.Sprintf("%s: %v", n.Name, n.Unsound))
		}
	}
	if o.Ledger != (losses.Retention{}) {
		return promise("every ledger adds up", "safety", p.Took, unsound)
	}
	return promise("the servers' ledgers agree with the oracle", "liveness", 0, append(v.Agree(ledgers(policy, p.Nodes)), unsound...))
}

// promise is kept when nothing speaks against it; at is when something first did.
func promise(check, kind string, at time.Duration, against []string) Promise {
	p := Promise{Check: check, Kind: kind, Held: len(against) == 0, Why: strings.Join(against[:min(3, len(against))], "; ")}
	if !p.Held {
		p.At = at
	}
	return p
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

func contradictions(v *oracle.Judgement) Promise {
	var out []string
	var first time.Duration
	for i, c := range v.Contradictions {
		if out = append(out, c.Why); i == 0 {
			first = c.At
		}
	}
	return promise("no acknowledgement contradicts another", "safety", first, out)
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

// inversions is what may not be inverted, key by key: nothing that lamport, siblings,
// causal and counter serve, and nothing that hlc serves unless a drift guard refused a
// stamp. The moment is when the author of the first was told that it is durable.
func inversions(v *oracle.Judgement, refused bool, policy *resolve.Policy) Promise {
	var out []string
	var first time.Duration
	for _, l := range v.Losses {
		if l.Class != oracle.Inverted || mayInvert(policy.Panel(l.Key).Serving, refused) {
			continue
		}
		if out = append(out, fmt.Sprintf("%s of %s lost to what it was based on", l.Label, l.Key)); len(out) == 1 {
			first = l.Acked
		}
	}
	return promise("what follows causality is never inverted", "safety", first, out)
}

// mayInvert reports whether a resolver may let a write lose to what it was based on.
func mayInvert(id resolve.ID, refused bool) bool {
	return id == resolve.LWW || id == resolve.Interval || id == resolve.HLC && refused
}
