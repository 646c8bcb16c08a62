package console

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"kvd/replica"
	"kvd/resolve"
)

// Build says which program this is.
type Build struct {
	Version  string
	Revision string
	Go       string
}

// Outcome is how an operation ended.
type Outcome uint8

// The outcomes.
const (
	Done       Outcome = iota // answered, and durable if it was a write
	Lagging                   // refused: the leader had not what the token had seen
	Overloaded                // refused: too many requests were waiting
	BadRequest                // refused: the request made no sense
	Broken                    // anything else
	outcomes
)

var outcomeNames = [outcomes]string{"ok", "behind", "overloaded", "bad_request", "failed"}

// OutcomeOf sorts a reply's error.
func OutcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, replica.ErrBehind):
		return Lagging
	case errors.Is(err, replica.ErrOverloaded):
		return Overloaded
	case errors.Is(err, replica.ErrBadRequest):
		return BadRequest
	}
	return Broken
}

// verbNames are the labels of verbs; zero stands for any that is new.
var verbNames = [...]string{"other", replica.Get: "get", replica.Set: "set", replica.Remove: "remove", replica.Incr: "incr", replica.Update: "update"}

// relationNames are the labels of relations, by place.
var relationNames = [...]string{
	resolve.Superseded: resolve.Superseded.String(),
	resolve.Inverted:   resolve.Inverted.String(),
	resolve.Concurrent: resolve.Concurrent.String(),
}

// Metrics counts what a leader does. Every method may be called from anywhere;
// none locks or allocates, so the leader's own loop may call them. Every series
// is made beforehand.
type Metrics struct {
	registry *prometheus.Registry

	operations [len(verbNames)][outcomes]prometheus.Counter
	latency    [len(verbNames)]prometheus.Observer
	verdicts   [][len(relationNames)]prometheus.Counter // by resolver
	withdrawn  []prometheus.Counter                     // by resolver

	accepted, applied            prometheus.Counter
	heldGap, heldDeps            prometheus.Counter
	duplicates, gateFull         prometheus.Counter
	clockAhead, twins, resent    prometheus.Counter
	tokenServed, tokenGaveUp     prometheus.Counter
	batchOps, syncTime, aheadFor prometheus.Observer
}

// NewMetrics makes every series, in a registry of its own, with those of the Go
// runtime and the process.
func NewMetrics(b Build) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "kvd_build_info", Help: "Always 1; the labels say which program this is.",
	}, []string{"version", "revision", "go"})
	build.WithLabelValues(b.Version, b.Revision, b.Go).Set(1)
	m.registry.MustRegister(build)
	m.makeOperations()
	m.makeVerdicts()
	m.makeOps()
	m.makeBatches()
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
		for o, outcome := range outcomeNames {
			m.operations[v][o] = count.WithLabelValues(verb, outcome)
		}
	}
}

func (m *Metrics) makeVerdicts() {
	verdicts := m.counters("kvd_verdicts_total", "Versions that ceased to survive, by how they stood to the winner; all but superseded are lost writes.", "resolver", "relation")
	withdrawn := m.counters("kvd_losses_withdrawn_total", "Writes that had been recorded as lost and no longer are.", "resolver")
	for _, resolver := range append(resolve.Names(), "other") {
		var row [len(relationNames)]prometheus.Counter
		for r, relation := range relationNames {
			row[r] = verdicts.WithLabelValues(resolver, relation)
		}
		m.verdicts = append(m.verdicts, row)
		m.withdrawn = append(m.withdrawn, withdrawn.WithLabelValues(resolver))
	}
}

func (m *Metrics) makeOps() {
	ops := m.counters("kvd_ops_total", "Ops that became part of this leader's log, by where they were accepted.", "from")
	m.accepted, m.applied = ops.WithLabelValues("client"), ops.WithLabelValues("peer")
	held := m.counters("kvd_gate_held_total", "Ops that had to wait at the gate, by what was missing.", "missing")
	m.heldGap, m.heldDeps = held.WithLabelValues("predecessor"), held.WithLabelValues("dependency")
	dropped := m.counters("kvd_ops_dropped_total", "Peers' ops that were let go and will be shipped again, or were known.", "reason")
	m.duplicates, m.gateFull = dropped.WithLabelValues("duplicate"), dropped.WithLabelValues("gate_full")
	waits := m.counters("kvd_token_waits_total", "Requests whose token was ahead of this leader.", "outcome")
	m.tokenServed, m.tokenGaveUp = waits.WithLabelValues("served"), waits.WithLabelValues("gave_up")
	m.clockAhead = m.counters("kvd_clock_ahead_total", "Ops whose stamp was further ahead than the guard allows.").WithLabelValues()
	m.twins = m.counters("kvd_twins_total", "Requests that two leaders had accepted.").WithLabelValues()
	m.resent = m.counters("kvd_peer_behind_total", "Times that ops were shipped again, or another's ops first, because a peer lacked them.").WithLabelValues()
}

func (m *Metrics) makeBatches() {
	m.batchOps = m.histogram("kvd_batch_ops", "Ops in one atomic batch.", prometheus.ExponentialBuckets(1, 2, 13))
	m.syncTime = m.histogram("kvd_sync_seconds", "Storing one batch, its fsync included.", prometheus.ExponentialBuckets(50e-6, 2, 16))
	m.aheadFor = m.histogram("kvd_clock_ahead_seconds", "How far ahead such stamps were.", prometheus.ExponentialBuckets(0.5, 4, 10))
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

// Operation counts an answered request.
func (m *Metrics) Operation(verb replica.Verb, outcome Outcome, took time.Duration) {
	if int(verb) >= len(verbNames) {
		verb = 0
	}
	if outcome >= outcomes {
		outcome = Broken
	}
	m.operations[verb][outcome].Inc()
	m.latency[verb].Observe(took.Seconds())
}

// Synced counts a stored batch.
func (m *Metrics) Synced(ops int, took time.Duration) {
	m.batchOps.Observe(float64(ops))
	m.syncTime.Observe(took.Seconds())
}

// Observe counts one of the leader's events. An event of a kind that is not
// known here is not counted.
func (m *Metrics) Observe(e replica.Event) {
	switch e := e.(type) {
	case replica.Accepted:
		m.accepted.Inc()
	case replica.Applied:
		m.applied.Inc()
	case replica.Judged:
		m.judged(e.Verdict)
	case replica.Held:
		pick(e.Gap, m.heldGap, m.heldDeps).Inc()
	case replica.Dropped:
		pick(e.Reason == replica.GateFull, m.gateFull, m.duplicates).Inc()
	case replica.ClockAhead:
		m.clockAhead.Inc()
		m.aheadFor.Observe(e.Ahead.Seconds())
	case replica.TwinFound:
		m.twins.Inc()
	case replica.PeerBehind:
		m.resent.Inc()
	case replica.TokenWaited:
		pick(e.Gave, m.tokenGaveUp, m.tokenServed).Inc()
	}
}

func (m *Metrics) judged(v resolve.Verdict) {
	resolver := min(int(v.Resolver), len(m.verdicts)-1) // the last is "other"
	switch {
	case v.Withdrawn:
		m.withdrawn[resolver].Inc()
	case int(v.Relation) < len(relationNames):
		m.verdicts[resolver][v.Relation].Inc()
	}
}

func pick(first bool, a, b prometheus.Counter) prometheus.Counter {
	if first {
		return a
	}
	return b
}
