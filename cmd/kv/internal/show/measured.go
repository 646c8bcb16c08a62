package show

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/cmd/internal/whatif"
	"kvd/replica/client/bench"
	"kvd/replica/client/study"
)

// spreadJSON is how latencies are spread, in microseconds.
func spreadJSON(s bench.Spread) object {
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return object{{"p50", us(s.P50)}, {"p90", us(s.P90)}, {"p99", us(s.P99)}, {"p999", us(s.P999)}, {"max", us(s.Max)}, {"mean", us(s.Mean)}}
}

// millis is a duration with as many digits as are known.
func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64) + "ms"
}

// spreadColumns are what spreadCells are of.
var spreadColumns = []string{"p50", "p90", "p99", "p99.9", "max"}

func spreadCells(s bench.Spread) []string {
	return each([]time.Duration{s.P50, s.P90, s.P99, s.P999, s.Max}, millis)
}

func spreadText(s bench.Spread) string {
	parts := spreadCells(s)
	for i, name := range spreadColumns {
		parts[i] = name + " " + parts[i]
	}
	return strings.Join(parts, "  ")
}

// Measured is what a load came to.
func Measured(plan bench.Config, m bench.Result) Record {
	rate := strconv.FormatFloat(m.Rate(), 'f', 0, 64)
	return Record{
		Text: func(*Printer) string {
			text := fmt.Sprintf("%s  %d requests in %s, %.0f/s; %d clients, pipeline %d, %d bytes\n     %s",
				plan.Op, m.Requests, m.Took.Round(time.Millisecond), m.Rate(), plan.Clients, plan.Pipeline, plan.Size, spreadText(m.Latency))
			if plan.Rate > 0 {
				text += fmt.Sprintf("\n     asked for %.0f/s, %d due and not sent; own timers late by p50 %s, p99 %s, max %s, which is not counted",
					plan.Rate, m.Unsent, millis(m.Late.P50), millis(m.Late.P99), millis(m.Late.Max))
			}
			if m.Refused > 0 {
				text += fmt.Sprintf("\n     %d were refused, and are not among the latencies", m.Refused)
			}
			return text
		},
		Raw:     func() string { return rate },
		Columns: append(append([]string{"op", "requests", "rate"}, spreadColumns...), "refused", "unsent"),
		Rows: func() [][]string {
			cells := append([]string{string(plan.Op), fmt.Sprint(m.Requests), rate}, spreadCells(m.Latency)...)
			return row(append(cells, fmt.Sprint(m.Refused), fmt.Sprint(m.Unsent))...)
		},
		JSON: func() any { // what was asked for beside what was measured; a target of 0 is a closed loop
			return object{
				{"op", plan.Op}, {"clients", plan.Clients}, {"pipeline", plan.Pipeline}, {"size", plan.Size}, {"keys", plan.Keys}, {"target_rate", plan.Rate}, {"seed", plan.Seed},
				{"requests", m.Requests}, {"refused", m.Refused}, {"unsent", m.Unsent}, {"seconds", m.Took.Seconds()}, {"rate", m.Rate()},
				{"latency_us", spreadJSON(m.Latency)}, {"timer_late_us", spreadJSON(m.Late)},
			}
		},
	}
}

// Lagged is how long writes took from one leader to another. JSON counts polls as well:
// each is a round trip.
func Lagged(from, to string, g bench.Lagged) Record {
	return Record{
		Text: func(*Printer) string {
			return fmt.Sprintf("lag  %d writes at %s, each looked for at %s, in %s\n     visible  %s\n     written  %s",
				g.Visible.Count, from, to, g.Took.Round(time.Millisecond), spreadText(g.Visible), spreadText(g.Acked))
		},
		Raw:     func() string { return strconv.FormatInt(g.Visible.P50.Microseconds(), 10) },
		Columns: append([]string{"from", "to", "writes"}, spreadColumns...),
		Rows: func() [][]string {
			return row(append([]string{from, to, fmt.Sprint(g.Visible.Count)}, spreadCells(g.Visible)...)...)
		},
		JSON: func() any {
			return object{{"from", from}, {"to", to}, {"writes", g.Visible.Count}, {"polls", g.Polls}, {"seconds", g.Took.Seconds()},
				{"visible_us", spreadJSON(g.Visible)}, {"acked_us", spreadJSON(g.Acked)}}
		},
	}
}

// WhatIf is a whole report, which has no table: that is Outcome of each.
func WhatIf(r whatif.Report) Record {
	return Record{
		Text: func(*Printer) string { return r.Text() },
		Raw: func() string {
			var b strings.Builder
			for i := range r.Outcomes {
				fmt.Fprintf(&b, "%s %d\n", r.Outcomes[i].Resolver, r.Outcomes[i].Lost())
			}
			return b.String()
		},
		JSON: func() any { return r },
	}
}

// Outcome is one resolver of a report as a row of a table.
func Outcome(o *study.Outcome) Record {
	return Record{Columns: whatif.Columns(), Rows: func() [][]string { return row(whatif.Cells(o)...) }}
}
