package main

import (
	"fmt"
	"strconv"
	"time"

	"kvd/replica/client/bench"
)

// spreadJSON is how latencies are spread, in microseconds.
type spreadJSON struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

func micros(s bench.Spread) spreadJSON {
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return spreadJSON{us(s.P50), us(s.P90), us(s.P99), us(s.P999), us(s.Max), us(s.Mean)}
}

// millis is a duration with as many digits as are known.
func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64) + "ms"
}

func spreadText(s bench.Spread) string {
	return fmt.Sprintf("p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", millis(s.P50), millis(s.P90), millis(s.P99), millis(s.P999), millis(s.Max))
}

func spreadCells(s bench.Spread) []string {
	return []string{millis(s.P50), millis(s.P90), millis(s.P99), millis(s.P999), millis(s.Max)}
}

// measured is what a load came to.
type measured struct {
	plan bench.Config
	bench.Result
}

func (m measured) text(*printer) string {
	text := fmt.Sprintf("%s  %d requests in %s, %.0f/s; %d clients, pipeline %d, %d bytes\n     %s",
		m.plan.Op, m.Requests, m.Took.Round(time.Millisecond), m.Rate(), m.plan.Clients, m.plan.Pipeline, m.plan.Size, spreadText(m.Latency))
	if m.plan.Rate > 0 {
		text += fmt.Sprintf("\n     asked for %.0f/s, %d due and not sent; own timers late by p50 %s, p99 %s, max %s, which is not counted",
			m.plan.Rate, m.Unsent, millis(m.Late.P50), millis(m.Late.P99), millis(m.Late.Max))
	}
	if m.Refused > 0 {
		text += fmt.Sprintf("\n     %d were refused, and are not among the latencies", m.Refused)
	}
	return text
}

func (m measured) raw() string { return strconv.FormatFloat(m.Rate(), 'f', 0, 64) }

func (m measured) columns() []string {
	return []string{"op", "requests", "rate", "p50", "p90", "p99", "p99.9", "max", "refused", "unsent"}
}

func (m measured) cells() []string {
	cells := append([]string{string(m.plan.Op), fmt.Sprint(m.Requests), m.raw()}, spreadCells(m.Latency)...)
	return append(cells, fmt.Sprint(m.Refused), fmt.Sprint(m.Unsent))
}

// MarshalJSON has what was asked for beside what was measured.
func (m measured) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Op       bench.Op   `json:"op"`
		Clients  int        `json:"clients"`
		Pipeline int        `json:"pipeline"`
		Size     int        `json:"size"`
		Keys     uint64     `json:"keys"`
		Target   float64    `json:"target_rate"` // 0: a closed loop
		Seed     uint64     `json:"seed"`
		Requests int64      `json:"requests"`
		Refused  int64      `json:"refused"`
		Unsent   int64      `json:"unsent"`
		Seconds  float64    `json:"seconds"`
		Rate     float64    `json:"rate"`
		Latency  spreadJSON `json:"latency_us"`
		Late     spreadJSON `json:"timer_late_us"`
	}{
		m.plan.Op, m.plan.Clients, m.plan.Pipeline, m.plan.Size, m.plan.Keys, m.plan.Rate, m.plan.Seed,
		m.Requests, m.Refused, m.Unsent, m.Took.Seconds(), m.Rate(), micros(m.Latency), micros(m.Late),
	})
}

// lagged is how long writes took from one leader to another.
type lagged struct {
	from, to string
	bench.Lagged
}

func (g lagged) text(*printer) string {
	return fmt.Sprintf("lag  %d writes at %s, each looked for at %s, in %s\n     visible  %s\n     written  %s",
		g.Visible.Count, g.from, g.to, g.Took.Round(time.Millisecond), spreadText(g.Visible), spreadText(g.Acked))
}

func (g lagged) raw() string { return strconv.FormatInt(g.Visible.P50.Microseconds(), 10) }

func (g lagged) columns() []string {
	return []string{"from", "to", "writes", "p50", "p90", "p99", "p99.9", "max"}
}

func (g lagged) cells() []string {
	return append([]string{g.from, g.to, fmt.Sprint(g.Visible.Count)}, spreadCells(g.Visible)...)
}

// MarshalJSON counts looks as well: each is a round trip.
func (g lagged) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		From    string     `json:"from"`
		To      string     `json:"to"`
		Writes  int64      `json:"writes"`
		Looks   int64      `json:"looks"`
		Seconds float64    `json:"seconds"`
		Visible spreadJSON `json:"visible_us"`
		Acked   spreadJSON `json:"acked_us"`
	}{g.from, g.to, g.Visible.Count, g.Looks, g.Took.Seconds(), micros(g.Visible), micros(g.Acked)})
}
