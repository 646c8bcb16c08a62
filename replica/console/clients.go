package console

import "github.com/prometheus/client_golang/prometheus"

// ClientMemory is what clients make the leader hold.
type ClientMemory struct {
	Limit   int64  `json:"limit"`   // bytes that all of them may use together
	Used    int64  `json:"used"`    // bytes
	Waiting int    `json:"waiting"` // connections that wait for others to give some back
	Cut     uint64 `json:"cut"`     // connections cut because others needed what they held
}

// clientGauges are the metrics of client memory.
type clientGauges struct{ limit, used, waiting, cut *prometheus.Desc }

func newClientGauges() clientGauges {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc("kvd_"+name, help, nil, nil) }
	return clientGauges{
		limit:   desc("client_memory_limit_bytes", "What all clients' requests, and the replies they have not taken, may use together."),
		used:    desc("client_memory_bytes", "What they use."),
		waiting: desc("clients_waiting_for_memory", "Connections that wait until others have given memory back."),
		cut:     desc("clients_cut_for_memory_total", "Connections cut because they held much for a client that did not go on, and others needed it."),
	}
}

func (g *clientGauges) describe(to chan<- *prometheus.Desc) {
	to <- g.limit
	to <- g.used
	to <- g.waiting
	to <- g.cut
}

func (g *clientGauges) collect(to chan<- prometheus.Metric, m ClientMemory) {
	to <- constant(g.limit, prometheus.GaugeValue, float64(m.Limit))
	to <- constant(g.used, prometheus.GaugeValue, float64(m.Used))
	to <- constant(g.waiting, prometheus.GaugeValue, float64(m.Waiting))
	to <- constant(g.cut, prometheus.CounterValue, float64(m.Cut))
}
