package answers

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/ledger"
	"kvd/resolve"
)

// Audited is one leader's audit.
type Audited struct {
	client.Answer
	ledger.Audit
	Holds []bool // of each balance, as the leader says
}

func auditedOf(a client.Answer) (Audited, error) {
	var removed logical.Frontier
	if text := a.Field("removed").Text; text != "" { // a server of the version before says nothing, and removes nothing
		var err error
		if removed, err = logical.ParseFrontier(text); err != nil {
			return Audited{}, err
		}
	}
	out := Audited{Answer: a, Audit: ledger.Audit{
		Leader: a.Name, Applied: a.Applied, Removed: removed, Keys: int(a.Field("keys").Int), Skipped: a.Field("skipped").Texts(), Stray: int(a.Field("stray").Int), Settled: int(a.Field("settled").Int)}}
	for _, b := range a.Field("balances").Items {
		id, err := resolve.ParseID(b.Field("resolver").Text)
		if err != nil {
			return Audited{}, err
		}
		n := func(name string) int { return int(b.Field(name).Int) }
		out.Balances = append(out.Balances, ledger.Balance{Resolver: id, Accepted: n("accepted"), Live: n("live"), Superseded: n("superseded"),
			Inverted: n("inverted"), Concurrent: n("concurrent"), Evicted: n("evicted"), InNone: n("none"), InTwo: n("two"), Beyond: n("beyond")})
		out.Holds = append(out.Holds, b.Field("holds").Truth())
	}
	return out, nil
}

// apart is two leaders that have not applied the same, or, where there is no distance, have
// not removed the same from their logs.
type apart struct {
	Leader, Other string
	Distance      client.Distance
}

// Audits is the audits of all leaders.
type Audits struct {
	All          []Audited      // by leader
	Differs      []string       // what does not add up, and where leaders differ that should not
	Apart        []apart        // who cannot be held against whom
	Unreplicated []client.Reply // writes that have not arrived, and that nobody can be asked for: maps of leader, from, to and holders
	Missing      []client.Absentee
}

// AuditsOf reads and compares the answers of KVD.AUDIT. The error says what cannot be read.
func AuditsOf(said []client.Answer, missing []client.Absentee) (Audits, error) {
	out := Audits{Missing: missing}
	for _, a := range said {
		one, err := auditedOf(a)
		if err != nil {
			return out, err
		}
		out.All = append(out.All, one)
	}
	for i := range out.All {
		out.hold(i)
		if damage := out.All[i].Field("damage").Text; damage != "" {
			out.Differs = append(out.Differs, out.All[i].Name+": "+damage)
		}
		for _, stretch := range out.All[i].Field("unreplicated").Items {
			if !slices.ContainsFunc(out.Unreplicated, stretch.Equal) { // another leader says the same
				out.Unreplicated = append(out.Unreplicated, stretch)
			}
		}
	}
	return out, nil
}

// hold looks whether the balances of a leader hold, and holds them against the
// first leader that has applied the same, and has removed the same from its log.
func (a *Audits) hold(i int) {
	one := &a.All[i]
	for j, b := range one.Balances {
		if !one.Holds[j] {
			a.Differs = append(a.Differs, fmt.Sprintf("%s: %s does not add up", one.Name, b.Resolver))
		}
	}
	for j := range i {
		if one.Applied.Compare(a.All[j].Applied) == logical.Equal && one.Removed.Compare(a.All[j].Removed) == logical.Equal {
			a.Differs = append(a.Differs, AuditsApart(&a.All[j].Audit, &one.Audit)...)
			return
		}
	}
	if i > 0 {
		a.Apart = append(a.Apart, apart{one.Name, a.All[0].Name, client.DistanceOf(one.Applied, a.All[0].Applied)})
	}
}

// Same reports whether one text stands for all.
func (a Audits) Same() bool {
	return len(a.Differs) == 0 && len(a.Apart) == 0 &&
		!slices.ContainsFunc(a.All, func(o Audited) bool { return o.Field("text").Text != a.All[0].Field("text").Text })
}

// AuditsApart names where two audits differ of leaders that have applied the same.
func AuditsApart(r, other *ledger.Audit) []string {
	var out []string
	shared := 0
	for _, a := range r.Balances {
		for _, b := range other.Balances {
			if a.Resolver != b.Resolver {
				continue
			}
			if shared++; !agree(a, b) {
				out = append(out, fmt.Sprintf("%s: %s counts accepted %d, live %d, superseded %d, lost %d; %s accepted %d, live %d, superseded %d, lost %d",
					a.Resolver, r.Leader, a.Accepted, a.Live, a.Superseded, a.Lost()+a.Evicted, other.Leader, b.Accepted, b.Live, b.Superseded, b.Lost()+b.Evicted))
			}
		}
	}
	if out == nil && (shared < len(r.Balances) || shared < len(other.Balances)) {
		out = append(out, fmt.Sprintf("%s and %s do not count for the same resolvers", r.Leader, other.Leader))
	}
	return out
}

// agree reports whether two leaders that have applied the same count alike. Each
// ledger evicts on its own: what it evicted is lost all the same, and in which way is
// no longer known.
func agree(b, o ledger.Balance) bool {
	if b.Evicted+o.Evicted > 0 {
		b.Inverted, b.Concurrent, b.Evicted = 0, b.Lost()+b.Evicted, 0
		o.Inverted, o.Concurrent, o.Evicted = 0, o.Lost()+o.Evicted, 0
	}
	b.Stale, o.Stale = 0, 0
	return b == o
}
