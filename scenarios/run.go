package scenarios

import (
	"cmp"
	"fmt"
	"time"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/world"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/losses"
)

// Options is what a run depends on, beside the script.
type Options struct {
	Resolver resolve.ID   // serves every key that the script gives to nobody else
	Shadows  resolve.Mask // watch every key
	Seed     uint64       // zero: the script's, else ExpectedSeed
	// Wire passes every message between leaders through its encoding, as real
	// links do.
	Wire bool
	// Along is as in world.Config.
	Along func(at, end time.Duration, events int)
	// Mend puts something right in the middle of the run; see package branch.
	Mend world.Mend

	// Core, Store, Tamper, Outside and Mistaken change the leaders; tests of the checkers plant
	// bugs with them.
	Core     func(*replica.Config)
	Store    func(*storage.Options) // as in world.Config
	Ledger   losses.Retention       // of every leader; zero: the default. A ledger that has evicted is not compared with the oracle
	Tamper   host.Tamper
	Outside  func(leader string) bool // as in world.Config
	Mistaken *resolve.Rules
}

// Run plays a scenario under one resolver, judges it, and holds the servers' own
// account against the oracle's. It fails only when the run cannot be played.
func Run(s *script.Scenario, o Options) (*Result, error) {
	policy, err := Policy(s, o)
	if err != nil {
		return nil, err
	}
	o.Seed = SeedOf(s, o.Seed)
	core := coreOf(s)
	if plain := core; o.Core != nil {
		core = func(c *replica.Config) { plain(c); o.Core(c) }
	}
	cfg := world.Config{Policy: policy, Seed: o.Seed, Core: core, Store: o.Store, Ledger: o.Ledger, Tamper: o.Tamper, Outside: o.Outside, Mend: o.Mend, Along: o.Along}
	if o.Wire {
		cfg.Carry = carry
	}
	played, err := play(s, cfg)
	if err != nil {
		return nil, fmt.Errorf("scenario %s under %s, seed %d: %w", s.Name, o.Resolver, o.Seed, err)
	}
	return Judge(s, o, played)
}

// play plays the scenario to its end. The cluster is gone when it returns.
func play(s *script.Scenario, cfg world.Config) (Played, error) {
	w, err := world.New(s, cfg)
	if err != nil {
		return Played{}, err
	}
	defer w.Close()
	if err := w.Run(); err != nil {
		return Played{}, err
	}
	nodes, err := w.Nodes()
	if err != nil {
		return Played{}, fmt.Errorf("inspect: %w", err)
	}
	return Played{History: w.History, Trace: w.Trace, Values: w.Values, Nodes: nodes,
		Refused: w.Refused, Took: w.Now(), Requests: w.Attempts(), Fired: w.Fired, Clocks: w.Clocks}, nil
}

// Fates is what became of the acknowledged updates of a run, by the IDs of their requests.
type Fates struct {
	Kept map[string]bool
	Lost map[string]int // by key: how many
}

// Losses plays a scenario and says what became of its updates, without looking at promises
// and ledgers.
func Losses(s *script.Scenario, o Options) (*Fates, error) {
	policy, err := Policy(s, o)
	if err != nil {
		return nil, err
	}
	played, err := play(s, world.Config{Policy: policy, Seed: SeedOf(s, o.Seed), Core: coreOf(s), Mend: o.Mend})
	if err != nil {
		return nil, err
	}
	v := oracle.Judge(played.History, func(key string) string { return policy.Panel(key).Serving.String() })
	lost := map[string]bool{}
	for _, l := range v.Losses {
		lost[l.Label] = true
	}
	f := &Fates{Kept: map[string]bool{}, Lost: map[string]int{}}
	for _, q := range played.History.Updates {
		switch {
		case q.AckedAt.Never():
		case lost[q.Name()]:
			f.Lost[q.Key]++
		default:
			f.Kept[q.ID] = true
		}
	}
	return f, nil
}

// Played is what is left of a run, in the simulation or with real leaders, once
// everything has settled.
type Played struct {
	History  *history.History
	Trace    *trace.Trace
	Values   map[string]map[string][]string // as in Result
	Nodes    []world.Node                   // every leader that runs, in the script's order
	Refused  bool                           // a drift guard held back a stamp
	Took     time.Duration                  // true time since the scenario's zero
	Requests int                            // client requests sent
	Fired    world.Fired                    // what the run came upon; nil: nobody counted
	Clocks   []world.ClockChange            // nil among real leaders: nobody sees their clocks but by their stamps
}

// Judge turns what was played into a result: the oracle's judgement, the
// promises, and the servers' own ledgers compared with the oracle. It keeps
// what p points to.
func Judge(s *script.Scenario, o Options, p Played) (*Result, error) {
	policy, err := Policy(s, o)
	if err != nil {
		return nil, err
	}
	v := oracle.Judge(p.History, func(key string) string { return policy.Panel(key).Serving.String() })
	r := gather(s, o, v, p)
	for _, t := range v.Keys {
		r.Serving[t.Key] = policy.Panel(t.Key).Serving.String()
	}
	r.judgeSessions(s, v)
	r.Promises = promises(s, v, &policy, p, o)
	r.Expectation = r.expectation(s.Expect)
	return r, nil
}

// Policy is the cluster's policy: the script's rules, and the resolver under
// test for the rest.
func Policy(s *script.Scenario, o Options) (resolve.Policy, error) {
	p := resolve.Policy{Default: o.Resolver, Shadows: o.Shadows, Mistaken: o.Mistaken}
	for _, rule := range s.Policies {
		r, err := ruleOf(rule, o.Resolver)
		if err != nil {
			return p, fmt.Errorf("scenario %s: policy %s: %w", s.Name, rule.Prefix, err)
		}
		p.Rules = append(p.Rules, r)
	}
	for _, name := range s.Shadows {
		if name == script.ShadowAll {
			p.Shadows = resolve.All
			continue
		}
		id, err := resolve.ParseID(name)
		if err != nil {
			return p, fmt.Errorf("scenario %s: shadow: %w", s.Name, err)
		}
		p.Shadows |= id.Mask()
	}
	return p, p.Validate()
}

// ruleOf is a policy line where under is under test.
func ruleOf(p script.Policy, under resolve.ID) (r resolve.Rule, err error) {
	r = resolve.Rule{Prefix: p.Prefix, Resolver: under, Pick: p.Pick}
	if p.Resolver != script.UnderTest {
		if r.Resolver, err = resolve.ParseID(p.Resolver); err != nil {
			return r, err
		}
	}
	r.CommitWait = p.CommitWait && r.Resolver == resolve.Interval
	if p.Doomed != "" && script.Dooms(r.Resolver.String()) {
		err = r.SetDoomed(p.Doomed)
	}
	return r, err
}

// SeedOf is the seed of a run of which asked was asked; zero: the script's own, else
// the one that expectations are for.
func SeedOf(s *script.Scenario, asked uint64) uint64 { return cmp.Or(asked, s.Seed, ExpectedSeed) }

// coreOf is what the script changes of the leaders' settings.
func coreOf(s *script.Scenario) func(*replica.Config) {
	return func(c *replica.Config) {
		s.Settings.GateOps.To(&c.GateOps)
		s.Settings.WindowOps.To(&c.WindowOps)
		s.Settings.BatchOps.To(&c.BatchOps)
		s.Settings.Waiting.To(&c.WaitingReqs)
		s.Settings.MaxSiblings.To(&c.MaxSiblings)
		s.Settings.MaxDrift.To(&c.MaxDrift)
		s.Settings.TokenWait.To(&c.TokenWait)
		s.Settings.QuarantineBeyond.To(&c.Quarantine.Beyond)
		if scope, err := replica.ParseScope(string(s.Settings.Quarantine)); err == nil {
			c.Quarantine.Scope = scope
		}
	}
}

// gather fills in everything but the promises.
func gather(s *script.Scenario, o Options, v *oracle.Judgement, p Played) *Result {
	r := &Result{
		Scenario: s.Name, Resolver: o.Resolver.String(), Seed: SeedOf(s, o.Seed), ScriptSeed: s.Seed,
		Values: p.Values, Stats: v.Stats, Refused: p.History.Refusals, Siblings: v.Siblings, Converged: v.Converged, Session: v.Session,
		Losses: v.Losses, History: p.History, Serving: map[string]string{}, Trace: p.Trace, Virtual: p.Took, Ops: p.Requests, Fired: p.Fired, Clocks: p.Clocks,
	}
	var objects int
	var metadata int64
	for _, n := range p.Nodes {
		objects += n.Objects
		metadata += n.Metadata
		r.Ledgers = append(r.Ledgers, n.Ledger)
	}
	if objects > 0 {
		r.MetadataBytesPerKey = float64(metadata*10/int64(objects)) / 10
	}
	return r
}

// judgeSessions gives the verdict on every client that carries a token or moves.
func (r *Result) judgeSessions(s *script.Scenario, v *oracle.Judgement) {
	r.Sessions, r.tokenless = map[string]string{}, map[string]bool{}
	moves := map[string]bool{}
	for _, e := range s.Events {
		if op, ok := e.Action.(script.ClientOp); ok && op.Kind == script.OpGoto {
			moves[op.Client] = true
		}
	}
	for _, c := range s.Clients {
		if !c.Session && !moves[c.Name] {
			continue
		}
		r.tokenless[c.Name] = !c.Session
		r.Sessions[c.Name] = oracle.SessionBroken
		if held, _, _ := v.CheckSession(c.Name, script.AllGuarantees); held {
			r.Sessions[c.Name] = oracle.SessionKept
		}
	}
}

// carry encodes and decodes a message's ops.
func carry(m replica.Message) (replica.Message, error) {
	b, ok := m.(*replica.Batch)
	if !ok {
		return m, nil
	}
	out := &replica.Batch{Ops: make([]*resolve.Op, len(b.Ops))}
	for i, op := range b.Ops {
		got, err := codec.DecodeOp(codec.AppendOp(nil, op))
		if err != nil {
			return nil, err
		}
		out.Ops[i] = got
	}
	return out, nil
}
