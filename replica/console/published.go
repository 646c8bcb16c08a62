package console

import "github.com/prometheus/client_golang/prometheus"

// Published is what clients published here, to one peer.
type Published struct {
	Sent    uint64 `json:"sent"`
	Dropped uint64 `json:"dropped"` // the link was down, cut, or had too much waiting
}

// Subscribers is who listens at this leader to what clients publish.
type Subscribers struct {
	Cut     uint64 `json:"cut"`     // connections cut because too much waited for them
	Unheard uint64 `json:"unheard"` // messages that nobody here was sent, for want of memory
}

// publishedGauges are the metrics of what clients publish.
type publishedGauges struct{ sent, dropped, cut, unheard *prometheus.Desc }

func newPublishedGauges() publishedGauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("kvd_"+name, help, labels, nil)
	}
	return publishedGauges{
		sent:    desc("published_sent_total", "Messages that clients published here and that were sent to the peer.", "peer"),
		dropped: desc("published_dropped_total", "Messages that were not sent to the peer: its link was down or cut, or too many waited. They are not sent later.", "peer"),
		cut:     desc("subscribers_cut_total", "Subscribers cut because they take messages too slowly."),
		unheard: desc("published_unheard_total", "Messages that nobody here was sent, because there was no memory for them."),
	}
}

func (g *publishedGauges) describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.sent, g.dropped, g.cut, g.unheard} {
		to <- d
	}
}

func (g *publishedGauges) collect(to chan<- prometheus.Metric, s Subscribers, peers []Peer) {
	to <- constant(g.cut, prometheus.CounterValue, float64(s.Cut))
	to <- constant(g.unheard, prometheus.CounterValue, float64(s.Unheard))
	for _, p := range peers {
		to <- constant(g.sent, prometheus.CounterValue, float64(p.Published.Sent), p.Name)
		to <- constant(g.dropped, prometheus.CounterValue, float64(p.Published.Dropped), p.Name)
	}
}
