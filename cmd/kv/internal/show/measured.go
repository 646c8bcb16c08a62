package show

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

// Measured is what a load came to.
type Measured struct {
	Plan bench.Config
	bench.Result
}

func (m Measured) Text(*Printer) string {
	text := fmt.Sprintf("%s  %d requests in %s, %.0f/s; %d clients, pipeline %d, %d bytes\n     %s",
		m.Plan.Op, m.Requests, m.Took.Round(time.Millisecond), m.Rate(), m.Plan.Clients, m.Plan.Pipeline, m.Plan.Size, spreadText(m.Latency))
	if m.Plan.Rate > 0 {
		text += fmt.Sprintf("\n     asked for %.0f/s, %d due and not sent; own timers late by p50 %s, p99 %s, max %s, which is not counted",
			m.Plan.Rate, m.Unsent, millis(m.Late.P50), millis(m.Late.P99), millis(m.Late.Max))
	}
	if m.Refused > 0 {
		text += fmt.Sprintf("\n     %d were refused, and are not among the latencies", m.Refused)
	}
	return text
}

func (m Measured) Raw() string { return strconv.FormatFloat(m.Rate(), 'f', 0, 64) }

func (m Measured) Columns() []string {
	return []string{"op", "requests", "rate", "p50", "p90", "p99", "p99.9", "max", "refused", "unsent"}
}

func (m Measured) Cells() []string {
	cells := append([]string{string(m.Plan.Op), fmt.Sprint(m.Requests), m.Raw()}, spreadCells(m.Latency)...)
	return append(cells, fmt.Sprint(m.Refused), fmt.Sprint(m.Unsent))
}

// MarshalJSON has what was asked for beside what was measured.
func (m Measured) MarshalJSON() ([]byte, error) {
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
		m.Plan.Op, m.Plan.Clients, m.Plan.Pipeline, m.Plan.Size, m.Plan.Keys, m.Plan.Rate, m.Plan.Seed,
		m.Requests, m.Refused, m.Unsent, m.Took.Seconds(), m.Rate(), micros(m.Latency), micros(m.Late),
	})
}

// Lagged is how long writes took from one leader to another.
type Lagged struct {
	From, To string
	bench.Lagged
}

func (g Lagged) Text(*Printer) string {
	return fmt.Sprintf("lag  %d writes at %s, each looked for at %s, in %s\n     visible  %s\n     written  %s",
		g.Visible.Count, g.From, g.To, g.Took.Round(time.Millisecond), spreadText(g.Visible), spreadText(g.Acked))
}

func (g Lagged) Raw() string { return strconv.FormatInt(g.Visible.P50.Microseconds(), 10) }

func (g Lagged) Columns() []string {
	return []string{"from", "to", "writes", "p50", "p90", "p99", "p99.9", "max"}
}

func (g Lagged) Cells() []string {
	return append([]string{g.From, g.To, fmt.Sprint(g.Visible.Count)}, spreadCells(g.Visible)...)
}

// MarshalJSON counts polls as well: each is a round trip.
func (g Lagged) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		From    string     `json:"from"`
		To      string     `json:"to"`
		Writes  int64      `json:"writes"`
		Polls   int64      `json:"polls"`
		Seconds float64    `json:"seconds"`
		Visible spreadJSON `json:"visible_us"`
		Acked   spreadJSON `json:"acked_us"`
	}{g.From, g.To, g.Visible.Count, g.Polls, g.Took.Seconds(), micros(g.Visible), micros(g.Acked)})
}
