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
	unreplicated, missing, refused        *prometheus.Desc
	origins, most, scarce, away, twice    *prometheus.Desc
	unsendable, unsent                    *prometheus.Desc
	gateBytes, waitBytes                  *prometheus.Desc
	up, lagOps, lagSeconds, queue, offset *prometheus.Desc
	omitted, rows, bytes, evicted         *prometheus.Desc
	readers, missed                       *prometheus.Desc
	memory                                clientGauges
	published                             publishedGauges
}

func newGauges(s Source) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("kvd_"+name, help, labels, nil)
	}
	return &gauges{
		source:       s,
		memory:       newClientGauges(),
		published:    newPublishedGauges(),
		ready:        desc("ready", "1 if clients may be sent here."),
		uptime:       desc("uptime_seconds", "Since this process began; its origin may be older."),
		gate:         desc("gate_ops", "Ops that wait at the gate for what they depend on."),
		gateBytes:    desc("gate_bytes", "What the ops at the gate take in memory."),
		waitBytes:    desc("waiting_bytes", "What the requests that wait take in memory."),
		waiting:      desc("waiting_requests", "Requests that wait for what their token has seen."),
		clients:      desc("connected_clients", "Clients that are connected."),
		missing:      desc("missing_ops", "Ops that the store had lost when the leader started, and that have not come back."),
		unreplicated: desc("unreplicated_ops", "Ops that other leaders said they had, that are not applied here, and that nobody who can be reached is known to have."),
		origins:      desc("origins", "Origins in the logs here."),
		most:         desc("origins_most", "Origins that there may be; a leader whose logs are full turns other origins away."),
		scarce:       desc("origins_scarce", "Origins beyond seven eighths of what may be; 0: there are fewer."),
		away:         desc("origins_refused_ops_total", "Ops that were not taken, because their origin is one too many for the logs here."),
		twice:        desc("conflicting_dots", "Dots with one content here and another at a leader that was met, which nothing settles yet: a leader and its copy gave them twice."),
		refused:      desc("writes_refused", "How many causes there are for which writes are refused while reads go on; 0: writes are taken."),
		up:           desc("peer_up", "1 if gossip says that the peer is alive.", "peer"),
		lagOps:       desc("peer_lag_ops", "Ops applied here, whoever accepted them, that the peer is not known to have.", "peer"),
		lagSeconds:   desc("peer_lag_seconds", "How long ago the oldest of those was applied here, to about a quarter; of those from before this process, how long it has run.", "peer"),
		queue:        desc("peer_queue_bytes", "Bytes that wait to be sent to the peer.", "peer"),
		unsent:       desc("unsendable_peers", "Peers to which a write is too large to be sent."),
		unsendable:   desc("peer_unsendable", "1 if a write is too large to be sent to the peer and holds up those after it; /status says which.", "peer"),
		offset:       desc("peer_clock_offset_seconds", "Where the peer's clock may stand against ours; positive: ahead.", "peer", "edge"),
		omitted:      desc("peers_omitted", "Peers without series of their own, because there are too many."),
		rows:         desc("ledger_rows", "Lost writes that the ledger holds."),
		bytes:        desc("ledger_bytes", "What those rows take on disk."),
		evicted:      desc("ledger_evicted_total", "Losses that the ledger gave up to stay within its size, or for their age; they are counted, and can no longer be told or restored from it.", "resolver", "relation"),
		readers:      desc("feed_readers", "Readers that listen to losses as they happen; a client counts once for each channel."),
		missed:       desc("feed_missed_total", "Messages that readers were passed over with, because they read too slowly."),
	}
}

// Describe lists the metrics, not their series.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.ready, g.uptime, g.gate, g.waiting, g.clients, g.unreplicated, g.missing, g.refused, g.origins, g.most, g.scarce, g.away, g.twice,
		g.up, g.lagOps, g.lagSeconds, g.queue, g.unsendable, g.unsent, g.gateBytes, g.waitBytes, g.offset, g.omitted, g.rows, g.bytes, g.evicted, g.readers, g.missed} {
		to <- d
	}
	g.memory.describe(to)
	g.published.describe(to)
}

// Collect reads the source.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- constant(d, prometheus.GaugeValue, value, labels...)
	}
	status := g.source.Status()
	g.collectLosses(to, &status)
	g.memory.collect(to, status.ClientMemory)
	gauge(g.ready, truth(len(g.source.Ready()) == 0))
	gauge(g.uptime, status.UptimeSeconds)
	gauge(g.gate, float64(status.GateOps))
	gauge(g.gateBytes, float64(status.GateBytes))
	gauge(g.waitBytes, float64(status.WaitingBytes))
	gauge(g.waiting, float64(status.WaitingRequests))
	gauge(g.clients, float64(status.Clients))
	gauge(g.unreplicated, float64(status.UnreplicatedOps))
	gauge(g.missing, float64(status.MissingOps))
	gauge(g.origins, float64(status.Origins.Count))
	gauge(g.most, float64(status.Origins.Max))
	gauge(g.scarce, float64(status.Origins.Scarce()))
	to <- constant(g.away, prometheus.CounterValue, float64(status.Origins.RefusedOps))
	gauge(g.twice, float64(status.Conflicts))
	gauge(g.refused, float64(len(status.RefusesWrites)))
	// A name that stood twice would spoil the whole scrape.
	peers := slices.CompactFunc(sorted(status.Peers), func(a, b Peer) bool { return a.Name == b.Name })
	shown := peers[:min(len(peers), maxPeers)]
	gauge(g.unsent, float64(count(peers, func(p *Peer) bool { return p.Unsendable != nil })))
	gauge(g.omitted, float64(len(peers)-len(shown)))
	g.published.collect(to, status.Subscribers, shown)
	for _, p := range shown {
		gauge(g.up, truth(p.Alive), p.Name)
		gauge(g.lagOps, float64(p.LagOps), p.Name)
		gauge(g.lagSeconds, p.LagSeconds, p.Name)
		gauge(g.queue, float64(p.QueueBytes), p.Name)
		gauge(g.unsendable, truth(p.Unsendable != nil), p.Name)
		if p.Clock != nil {
			gauge(g.offset, p.Clock.Earliest, p.Name, "earliest")
			gauge(g.offset, p.Clock.Latest, p.Name, "latest")
		}
	}
}

func count(peers []Peer, is func(*Peer) bool) (n int) {
	for i := range peers {
		if is(&peers[i]) {
			n++
		}
	}
	return n
}

// collectLosses tells of the ledger and its readers. Every resolver has its
// series, evicted or not.
func (g *gauges) collectLosses(to chan<- prometheus.Metric, s *Status) {
	to <- constant(g.rows, prometheus.GaugeValue, float64(s.Ledger.Rows))
	to <- constant(g.bytes, prometheus.GaugeValue, float64(s.Ledger.Bytes))
	to <- constant(g.readers, prometheus.GaugeValue, float64(s.Feeds.Readers))
	to <- constant(g.missed, prometheus.CounterValue, float64(s.Feeds.Missed))
	names := resolverNames()
	counts := make([][len(lostRelations)]int64, len(names))
	for _, evicted := range s.Ledger.Evicted {
		id := slices.Index(names, evicted.Resolver)
		if id < 0 {
			id = len(names) - 1
		}
		if r := slices.IndexFunc(lostRelations[:], func(r resolve.Relation) bool { return r.String() == evicted.Relation }); r >= 0 {
			counts[id][r] += evicted.Losses
		}
	}
	for id, name := range names {
		for r, relation := range lostRelations {
			to <- constant(g.evicted, prometheus.CounterValue, float64(counts[id][r]), name, relation.String())
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
