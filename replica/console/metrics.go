package console

import (
	"errors"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"kvd/replica"
	"kvd/replica/console/tally"
	"kvd/resolve"
)

// Build says which program this is.
type Build struct {
	Version  string
	Revision string
	Go       string
}

// outcomes are how an operation can end, by the error of its reply; the last stands for
// any other error.
var outcomes = [...]struct {
	name string
	err  error
}{
	{"ok", nil}, // answered, and durable if it was a write
	{"behind", replica.ErrBehind},
	{"overloaded", replica.ErrOverloaded},
	{"siblings", replica.ErrSiblings},
	{"bad_request", replica.ErrBadRequest},
	{"read_only", replica.ErrReadOnly},
	{"quarantined", replica.ErrQuarantined},
	{"doomed", replica.ErrDoomed},
	{"too_few", replica.ErrTooFew},
	{"clock_wide", replica.ErrClockWide},
	{"in_doubt", replica.ErrInDoubt},
	{"failed", nil},
}

// verbNames are the labels of verbs; zero stands for any that is new.
var verbNames = [...]string{"other", replica.Get: "get", replica.Set: "set", replica.Remove: "remove", replica.Incr: "incr", replica.Update: "update"}

// lostRelations are those in which a write is lost, by index. The names of all
// are the labels.
var lostRelations = [...]resolve.Relation{resolve.Inverted, resolve.Concurrent}

// fates are what becomes of doomed writes, by the numbers of package doomed.
var fates = [...]string{"accept", "refuse", "lift"}

// roles are whether a resolver serves the key, or shadows the one that does.
var roles = [...]string{"false", "true"}

type verdictCounters struct {
	superseded, retracted [len(roles)]atomic.Uint64
	lost                  [len(lostRelations)][len(roles)]atomic.Uint64
}

// Metrics counts what a leader does. Every method may be called from anywhere; none
// waits, so the leader's own loop may call them, and only a lost write takes a lock.
// Every series is made beforehand.
type Metrics struct {
	registry *prometheus.Registry
	rule     func(key string) resolve.Rule
	losses   *tally.Tally

	operations [len(verbNames)][len(outcomes)]prometheus.Counter
	latency    [len(verbNames)]prometheus.Observer
	verdicts   []*verdictCounters // by resolver, the last of any that is new

	accepted, applied                 prometheus.Counter
	heldGap, heldDeps                 prometheus.Counter
	duplicates, gateFull              prometheus.Counter
	clockAhead, acceptedTwice, resent prometheus.Counter
	lamportAhead, stampsLifted        prometheus.Counter
	doomed                            [len(fates)]prometheus.Counter
	tokenServed, tokenGaveUp, held    prometheus.Counter
	batchOps, syncTime, aheadFor      prometheus.Observer
	commitWait                        prometheus.Observer
}

// NewMetrics makes every series, in a registry of its own, with those of the Go
// runtime and the process. Rule is the rule of the policy that a key goes by; it must
// not wait.
func NewMetrics(b Build, rule func(key string) resolve.Rule) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), rule: rule, losses: tally.New()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "kvd_build_info", Help: "Always 1; the labels say which program this is.",
	}, []string{"version", "revision", "go"})
	build.WithLabelValues(b.Version, b.Revision, b.Go).Set(1)
	m.registry.MustRegister(build)
	m.makeOperations()
	m.makeVerdicts()
	m.makeOps()
	m.batchOps = m.histogram("kvd_batch_ops", "Ops in one atomic batch.", prometheus.ExponentialBuckets(1, 2, 13))
	m.commitWait = m.histogram("kvd_commit_wait_seconds", "How long answers to durable writes were held until the stamps were past (commit-wait), and other leaders had them where acks= asks for that; alone it is twice the clock's claimed error, less what the sync took. Answers in doubt are left out.", prometheus.ExponentialBuckets(0.5e-3, 2, 13))
	m.syncTime = m.histogram("kvd_sync_seconds", "Storing one batch, its fsync included.", prometheus.ExponentialBuckets(50e-6, 2, 16))
	m.held = m.counters("kvd_calls_held_seconds_total", "How long clients' calls were held, all together, so that peers that fell behind come closer.").WithLabelValues()
	m.aheadFor = m.histogram("kvd_clock_ahead_seconds", "How far ahead such stamps were.", prometheus.ExponentialBuckets(0.5, 4, 10))
	return m
}

func (m *Metrics) makeOperations() {
	count := m.counters("kvd_operations_total", "Clients' operations that were answered.", "verb", "outcome")
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "kvd_operation_seconds", Help: "From a client's request to its answer.",
		Buckets: prometheus.ExponentialBuckets(50e-6, 2, 16), // 50 µs to 1.6 s
	}, []string{"verb"})
	m.registry.MustRegister(latency)
	for v, verb := range verbNames {
		m.latency[v] = latency.WithLabelValues(verb)
		for o, outcome := range outcomes {
			m.operations[v][o] = count.WithLabelValues(verb, outcome.name)
		}
	}
}

func (m *Metrics) makeVerdicts() {
	const (
		lost = "Acknowledged writes that a resolver threw away unseen, by this leader's judgement since it started. " +
			"Each is a row entered in its ledger if it keeps one; /status says so, and without one they are counted all the same. " +
			"serving is true where the resolver serves the key, and so lost it for clients; false where it only watches. " +
			"Every leader enters every loss, so across leaders take the greatest, not the sum."
		retracted  = "Rows taken out of the ledger again: a survivor turned out to have seen the write. What is in the ledger is entered, less retracted, less evicted."
		superseded = "Versions replaced by a write whose author had seen them; nothing is lost."
	)
	for _, resolver := range resolverNames() {
		t := &verdictCounters{}
		for i, serving := range roles {
			labels := prometheus.Labels{"resolver": resolver, "serving": serving}
			m.read("kvd_superseded_total", superseded, labels, &t.superseded[i])
			m.read("kvd_losses_retracted_total", retracted, labels, &t.retracted[i])
			for r, relation := range lostRelations {
				m.read("kvd_losses_total", lost, prometheus.Labels{"resolver": resolver, "serving": serving, "relation": relation.String()}, &t.lost[r][i])
			}
		}
		m.verdicts = append(m.verdicts, t)
	}
}

// read makes a series of a count that is shown on pages as well.
func (m *Metrics) read(name, help string, labels prometheus.Labels, n *atomic.Uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return float64(n.Load()) }))
}

// resolverNames are the labels of resolvers; the last stands for any that is new.
func resolverNames() []string { return append(resolve.All.Names(), "other") }

func (m *Metrics) makeOps() {
	ops := m.counters("kvd_ops_total", "Ops that became part of this leader's log, by where they were accepted.", "from")
	m.accepted, m.applied = ops.WithLabelValues("client"), ops.WithLabelValues("peer")
	held := m.counters("kvd_gate_held_total", "Ops that had to wait at the gate, by what was missing.", "missing")
	m.heldGap, m.heldDeps = held.WithLabelValues("predecessor"), held.WithLabelValues("dependency")
	dropped := m.counters("kvd_ops_dropped_total", "Peers' ops that were let go and will be shipped again, or were known.", "reason")
	m.duplicates, m.gateFull = dropped.WithLabelValues("duplicate"), dropped.WithLabelValues("gate_full")
	waits := m.counters("kvd_token_waits_total", "Requests whose token was ahead of this leader.", "outcome")
	m.tokenServed, m.tokenGaveUp = waits.WithLabelValues("served"), waits.WithLabelValues("gave_up")
	doomedWrites := m.counters("kvd_doomed_writes_total", "Writes of clients whose stamp lost already where they were accepted, by what became of them: accepted and lost, refused, or lifted above what beat them.", "fate")
	for i, fate := range fates {
		m.doomed[i] = doomedWrites.WithLabelValues(fate)
	}
	m.clockAhead = m.counters("kvd_clock_ahead_total", "Ops whose stamp was further ahead than the guard allows.").WithLabelValues()
	m.lamportAhead = m.counters("kvd_lamport_ahead_total", "Lamport stamps, of peers' ops and clients' tokens, that nobody can have counted up to, and that were not absorbed.").WithLabelValues()
	m.stampsLifted = m.counters("kvd_stamps_lifted_total", "Writes that were stamped later than the wall clock said: it was set back behind what this leader has promised the others, so that they could drop deletions.").WithLabelValues()
	m.acceptedTwice = m.counters("kvd_duplicate_requests_total", "Requests that two leaders had accepted.").WithLabelValues()
	m.resent = m.counters("kvd_peer_behind_total", "Times that ops were shipped again, or another's ops first, because a peer lacked them.").WithLabelValues()
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

// Operation counts an answered request; err is its reply's.
func (m *Metrics) Operation(verb replica.Verb, err error, took time.Duration) {
	if int(verb) >= len(verbNames) {
		verb = 0
	}
	outcome := 0
	for outcome < len(outcomes)-1 && !errors.Is(err, outcomes[outcome].err) {
		outcome++
	}
	m.operations[verb][outcome].Inc()
	m.latency[verb].Observe(took.Seconds())
}

// Synced counts a stored batch.
func (m *Metrics) Synced(ops int, took time.Duration) {
	m.batchOps.Observe(float64(ops))
	m.syncTime.Observe(took.Seconds())
}

// Held counts how long a call was held because peers fell behind.
func (m *Metrics) Held(d time.Duration) { m.held.Add(d.Seconds()) }

// CommitWaited counts how long a call was held until the stamps of its writes were past.
func (m *Metrics) CommitWaited(d time.Duration) { m.commitWait.Observe(d.Seconds()) }

// Observe counts one of the leader's events. An event of a kind that is not
// known here is not counted.
func (m *Metrics) Observe(e replica.Event) {
	switch e := e.(type) {
	case replica.Accepted:
		m.accepted.Inc()
	case *replica.Applied:
		m.applied.Inc()
	case *replica.Judged:
		m.judged(e)
	case replica.Buffered:
		pick(e.Gap, m.heldGap, m.heldDeps).Inc()
	case replica.Dropped:
		pick(e.Reason == replica.GateFull, m.gateFull, m.duplicates).Inc()
	case replica.Doomed:
		m.doomed[e.Fate].Inc()
	case replica.ClockAhead:
		m.clockAhead.Inc()
		m.aheadFor.Observe(e.Ahead.Seconds())
	case replica.LamportAhead:
		m.lamportAhead.Inc()
	case replica.StampLifted:
		m.stampsLifted.Inc()
	case replica.DuplicateFound:
		m.acceptedTwice.Inc()
	case replica.PeerBehind:
		m.resent.Inc()
	case replica.TokenWaited:
		pick(e.GaveUp, m.tokenGaveUp, m.tokenServed).Inc()
	}
}

// judged counts what the ledger inserted, and what it had no reason to.
func (m *Metrics) judged(e *replica.Judged) {
	v, rule := e.Verdict, m.rule(e.Key)
	relation := slices.Index(lostRelations[:], v.Relation)
	for left := v.Resolvers; left != 0; left &= left - 1 {
		id, role := bits.TrailingZeros16(uint16(left)), 0
		if id == int(rule.Resolver) {
			role = 1
		}
		m.verdicts[min(id, len(m.verdicts)-1)].count(v, relation, role)
	}
	m.losses.Add(e.Key, rule, v, e.At)
}

// count counts one resolver's verdict; relation is its index among those of losses.
func (t *verdictCounters) count(v resolve.Verdict, relation, role int) {
	switch {
	case v.Retracted:
		t.retracted[role].Add(1)
	case relation >= 0:
		t.lost[relation][role].Add(1)
	case v.Relation == resolve.Superseded:
		t.superseded[role].Add(1)
	}
}

func pick(first bool, a, b prometheus.Counter) prometheus.Counter {
	if first {
		return a
	}
	return b
}
