package console

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"kvd/resolve"
)

// maxPeers is how many peers have series of their own. A cluster has a handful;
// the bound holds even if names go astray.
const maxPeers = 64

// gauges are the metrics that are asked for rather than counted: each scrape
// reads the source once, so that peers that are gone have no series.
type gauges struct {
	source Source

	uptime, gate, waiting, clients, ready *prometheus.Desc
	stranded                              *prometheus.Desc
	up, lagOps, lagSeconds, queue, offset *prometheus.Desc
	omitted, rows, bytes, shed            *prometheus.Desc
	readers, missed                       *prometheus.Desc
}

func newGauges(s Source) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("kvd_"+name, help, labels, nil)
	}
	return &gauges{
		source:     s,
		ready:      desc("ready", "1 if clients may be sent here."),
		uptime:     desc("uptime_seconds", "Since this life of the leader began."),
		gate:       desc("gate_ops", "Ops that wait at the gate for what they depend on."),
		waiting:    desc("waiting_requests", "Requests that wait for what their token has seen."),
		clients:    desc("connected_clients", "Clients that are connected."),
		stranded:   desc("stranded_ops", "Ops that other leaders said they had, that are not applied here, and that nobody who can be reached is known to have."),
		up:         desc("peer_up", "1 if gossip says that the peer is alive.", "peer"),
		lagOps:     desc("peer_lag_ops", "Ops that the peer has not acknowledged.", "peer"),
		lagSeconds: desc("peer_lag_seconds", "Age of the oldest op that the peer has not acknowledged.", "peer"),
		queue:      desc("peer_queue_bytes", "Bytes that wait to be sent to the peer.", "peer"),
		offset:     desc("peer_clock_offset_seconds", "Where the peer's clock may stand against ours; positive: ahead.", "peer", "edge"),
		omitted:    desc("peers_omitted", "Peers without series of their own, because there are too many."),
		rows:       desc("ledger_rows", "Lost writes that the ledger holds."),
		bytes:      desc("ledger_bytes", "What those rows take on disk."),
		shed:       desc("ledger_shed_total", "Losses that the ledger gave up for want of room or for their age; they are counted, and can no longer be told or restored from it.", "resolver", "relation"),
		readers:    desc("feed_readers", "Readers that listen to losses as they happen; a client counts once for each channel."),
		missed:     desc("feed_missed_total", "Messages that readers were passed over with, because they read too slowly."),
	}
}

// Describe lists the metrics, not their series.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.ready, g.uptime, g.gate, g.waiting, g.clients, g.stranded,
		g.up, g.lagOps, g.lagSeconds, g.queue, g.offset, g.omitted, g.rows, g.bytes, g.shed, g.readers, g.missed} {
		to <- d
	}
}

// Collect reads the source.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- constant(d, prometheus.GaugeValue, value, labels...)
	}
	status := g.source.Status()
	g.collectLosses(to, &status)
	gauge(g.ready, truth(len(g.source.Ready()) == 0))
	gauge(g.uptime, status.UptimeSeconds)
	gauge(g.gate, float64(status.GateOps))
	gauge(g.waiting, float64(status.WaitingRequests))
	gauge(g.clients, float64(status.Clients))
	gauge(g.stranded, float64(status.StrandedOps))
	// A name that stood twice would spoil the whole scrape.
	peers := slices.CompactFunc(sorted(status.Peers), func(a, b Peer) bool { return a.Name == b.Name })
	shown := peers[:min(len(peers), maxPeers)]
	gauge(g.omitted, float64(len(peers)-len(shown)))
	for _, p := range shown {
		gauge(g.up, truth(p.Alive), p.Name)
		gauge(g.lagOps, float64(p.LagOps), p.Name)
		gauge(g.lagSeconds, p.LagSeconds, p.Name)
		gauge(g.queue, float64(p.QueueBytes), p.Name)
		if p.Clock != nil {
			gauge(g.offset, p.Clock.Earliest, p.Name, "earliest")
			gauge(g.offset, p.Clock.Latest, p.Name, "latest")
		}
	}
}

// collectLosses tells of the ledger and its readers. Every resolver has its
// series, shed or not.
func (g *gauges) collectLosses(to chan<- prometheus.Metric, s *Status) {
	to <- constant(g.rows, prometheus.GaugeValue, float64(s.Ledger.Rows))
	to <- constant(g.bytes, prometheus.GaugeValue, float64(s.Ledger.Bytes))
	to <- constant(g.readers, prometheus.GaugeValue, float64(s.Feeds.Readers))
	to <- constant(g.missed, prometheus.CounterValue, float64(s.Feeds.Missed))
	names := resolverNames()
	counts := make([][len(lostRelations)]int64, len(names))
	for _, shed := range s.Ledger.Shed {
		id := slices.Index(names, shed.Resolver)
		if id < 0 {
			id = len(names) - 1
		}
		if r := slices.IndexFunc(lostRelations[:], func(r resolve.Relation) bool { return r.String() == shed.Relation }); r >= 0 {
			counts[id][r] += shed.Losses
		}
	}
	for id, name := range names {
		for r, relation := range lostRelations {
			to <- constant(g.shed, prometheus.CounterValue, float64(counts[id][r]), name, relation.String())
		}
	}
}

// constant is one series as it is now.
func constant(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(d, kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err) // a name that is not UTF-8 costs its own series
	}
	return m
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
