package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"kvd/replica/acl"
	"kvd/replica/console/tally"
	"kvd/wallclock"
)

// Bounds of one answer for the page, and of what it costs.
const (
	gatherEvery = 500 * time.Millisecond // pages that ask more often are told the same
	maxTopKeys  = 20
	maxLosses   = 50 // of resolvers that serve, and as many of those that only watch
)

// overview is what the page shows of a leader.
type overview struct {
	Now    time.Time `json:"now"` // by the leader's machine
	Status report    `json:"status"`
	// What follows is counted since the leader started.
	Resolvers []resolverTotals `json:"resolvers"`
	Prefixes  []prefixTotals   `json:"prefixes"`
	Keys      []keyTotal       `json:"keys"` // that lost most first
	Losses    []lossEvent      `json:"losses"`
	Last      uint64           `json:"last_loss"`     // the number of the last one; give it as after=
	Served    uint64           `json:"served_losses"` // so far, of resolvers that serve, listed or not
	User      string           `json:"user"`          // who asks; empty: there are no users

	Experiment *Experiment `json:"experiment,omitempty"`
}

// resolverTotals is what a resolver judged of all keys.
type resolverTotals struct {
	Resolver string `json:"resolver"`
	verdictTotals
	Serving verdictTotals `json:"serving"` // of these, of keys that it serves
}

type verdictTotals struct {
	Superseded uint64 `json:"superseded"`
	Inverted   uint64 `json:"inverted"`
	Concurrent uint64 `json:"concurrent"`
	Retracted  uint64 `json:"retracted"`
}

// prefixTotals is what a resolver lost of the keys that a rule of the policy is for.
type prefixTotals struct {
	Prefix     *Text  `json:"prefix"` // null: keys that no rule names
	Resolver   string `json:"resolver"`
	Serving    bool   `json:"serving"`
	Inverted   uint64 `json:"inverted"`
	Concurrent uint64 `json:"concurrent"`
	Retracted  uint64 `json:"retracted"`
}

// keyTotal is how many writes to a key the resolver lost that serves it.
type keyTotal struct {
	Key  Text      `json:"key"`
	Lost uint64    `json:"lost"` // at most
	Over uint64    `json:"over"` // at least that much less
	Last time.Time `json:"last"`
}

type lossEvent struct {
	Number    uint64    `json:"number"`
	At        time.Time `json:"at"` // by the leader's clock
	Key       Text      `json:"key"`
	Loser     string    `json:"loser"`
	Winner    string    `json:"winner"` // empty: it is not known
	Relation  string    `json:"relation"`
	Resolvers []string  `json:"resolvers"`
	Serving   bool      `json:"serving"`
	Retracted bool      `json:"retracted"`
}

// gathered is what all pages are answered from for a while. Nobody changes it.
type gathered struct {
	at         time.Time
	status     Status
	reasons    []Reason
	resolvers  []resolverTotals
	losses     tally.Snapshot
	experiment *Experiment
}

// gatherer keeps what was gathered last. One gathers, and others wait for it.
type gatherer struct {
	mu   sync.Mutex
	last *gathered
}

func (c *Console) gather() *gathered {
	c.recent.mu.Lock()
	defer c.recent.mu.Unlock()
	if g := c.recent.last; g != nil && time.Since(g.at) < gatherEvery {
		return g
	}
	g := &gathered{status: c.source.Status(), reasons: c.source.Ready(), losses: c.counts.losses.Snapshot(), resolvers: c.counts.totals()}
	if c.cfg.Experiments != nil {
		now := c.cfg.Experiments.State()
		g.experiment = &now
	}
	g.at = time.Now()
	c.recent.last = g
	return g
}

// forget makes the next answer a new one, because something was changed.
func (c *Console) forget() {
	c.recent.mu.Lock()
	defer c.recent.mu.Unlock()
	c.recent.last = nil
}

// totals is what the resolvers judged, those that judged nothing left out.
func (m *Metrics) totals() []resolverTotals {
	all := []resolverTotals{}
	for id, name := range resolverNames() {
		t := m.verdicts[id]
		of := func(role int) verdictTotals {
			return verdictTotals{t.superseded[role].Load(), t.lost[0][role].Load(), t.lost[1][role].Load(), t.retracted[role].Load()}
		}
		watching, serving := of(0), of(1)
		sum := verdictTotals{watching.Superseded + serving.Superseded, watching.Inverted + serving.Inverted,
			watching.Concurrent + serving.Concurrent, watching.Retracted + serving.Retracted}
		if sum != (verdictTotals{}) {
			all = append(all, resolverTotals{name, sum, serving})
		}
	}
	return all
}

// overview answers what the page shows, and the losses after one.
func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	var after uint64
	err := onlyKnows(asked, "after")
	if text := asked.Get("after"); err == nil && asked.Has("after") {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			err = fmt.Errorf("after is %.40q", text)
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, Failure{"the request was refused", err.Error(), "give after= and the number of a loss, or nothing"})
		return
	}
	g, user := c.gather(), userOf(r)
	answer(w, http.StatusOK, g.shownTo(user.Rights(), nameOf(user), after, c.counts))
}

func onlyKnows(asked url.Values, names ...string) error {
	for name := range asked {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%.40q is not known", name)
		}
	}
	return nil
}

func nameOf(user *acl.User) string {
	if user == nil {
		return ""
	}
	return user.Name()
}

func (g *gathered) shownTo(user *acl.Rights, name string, after uint64, m *Metrics) overview {
	o := overview{
		Now: g.at, Status: reportOf(g.status, g.reasons, user), Resolvers: g.resolvers, Last: g.losses.Last, Served: g.losses.Served, User: name,
		Prefixes: []prefixTotals{}, Keys: []keyTotal{}, Losses: []lossEvent{}, Experiment: g.experiment,
	}
	for i, cell := range g.losses.Cells {
		n, serving := g.losses.Counts[i], m.rule(cell.Prefix).Resolver == cell.Resolver
		t := prefixTotals{nil, cell.Resolver.String(), serving, n.Inverted, n.Concurrent, n.Retracted}
		if cell.Prefix != "" {
			shown := KeyText(cell.Prefix)
			t.Prefix = &shown
		}
		o.Prefixes = append(o.Prefixes, t)
	}
	for _, k := range g.losses.Keys {
		if len(o.Keys) == maxTopKeys {
			break
		}
		if user.Reads(k.Key) {
			o.Keys = append(o.Keys, keyTotal{KeyText(k.Key), k.Lost, k.Over, momentOf(k.Last)})
		}
	}
	room := [2]int{maxLosses, maxLosses}
	for _, l := range slices.Backward(g.losses.Recent) {
		kind := 0
		if l.Serving {
			kind = 1
		}
		if l.Number <= after || room[kind] == 0 || !user.Reads(l.Key) {
			continue
		}
		room[kind]--
		o.Losses = append(o.Losses, eventOf(&l))
	}
	slices.Reverse(o.Losses)
	return o
}

func eventOf(l *tally.Loss) lossEvent {
	e := lossEvent{Number: l.Number, At: momentOf(l.At), Key: KeyText(l.Key), Loser: l.Loser.String(), Relation: l.Relation.String(),
		Resolvers: l.Resolvers.Names(), Serving: l.Serving, Retracted: l.Retracted}
	if !l.Winner.IsZero() {
		e.Winner = l.Winner.String()
	}
	return e
}

func momentOf(i wallclock.Instant) time.Time { return i.Time().UTC() }
