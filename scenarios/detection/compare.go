package detection

import (
	"fmt"
	"math"
	"slices"
	"time"

	"kvd/replica/detect"
)

// detector says, after a beat, how long silence may last.
type detector interface {
	beat(now time.Duration) (timeout time.Duration)
}

type fixed time.Duration

func (f fixed) beat(time.Duration) time.Duration { return time.Duration(f) }

// accrual is ours: leaders use the same.
type accrual struct {
	d   *detect.Detector
	phi float64
}

func (a accrual) beat(now time.Duration) time.Duration {
	a.d.Beat(now)
	return a.d.Silence(a.phi)
}

// exponential takes intervals for exponentially distributed, as Cassandra does: it knows their mean alone.
type exponential struct {
	phi       float64
	last, sum time.Duration
	n         int
}

func (e *exponential) beat(now time.Duration) time.Duration {
	if e.last > 0 {
		e.sum, e.n = e.sum+now-e.last, e.n+1
	}
	e.last = now
	mean := Every
	if e.n > 0 {
		mean = e.sum / time.Duration(e.n)
	}
	return time.Duration(e.phi * math.Ln10 * float64(mean))
}

// Way is one way to tell.
type Way struct {
	Name string
	make func() detector
}

// Ways is those that are compared.
func Ways() []Way {
	var all []Way
	for _, d := range []time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond, 2 * time.Second, 3 * time.Second, 5 * time.Second} {
		all = append(all, fixedWay(d))
	}
	for _, phi := range []float64{1, 3, 5, detect.Gone, 12} {
		all = append(all, Way{fmt.Sprintf("phi %g", phi), func() detector { return accrual{detect.New(detect.Defaults(Every)), phi} }})
	}
	return append(all, Way{"exponential 8", func() detector { return &exponential{phi: detect.Gone} }})
}

func fixedWay(d time.Duration) Way {
	return Way{"fixed " + d.String(), func() detector { return fixed(d) }}
}

// Figures is how a way does on a trace.
type Figures struct {
	Wrong     float64       // suspicions of a leader that was alive, an hour
	Mean, P99 time.Duration // from the last beat of one that dies until it is suspected
}

// Measure plays a trace to a way.
func (w Way) Measure(t *Trace) Figures {
	d, wrong := w.make(), 0
	all := make([]time.Duration, 0, len(t.Arrivals))
	sum := 0.0
	for i, at := range t.Arrivals {
		p := d.beat(at)
		all, sum = append(all, p), sum+p.Seconds()
		if i+1 < len(t.Arrivals) && t.Arrivals[i+1]-at > p {
			wrong++
		}
	}
	slices.Sort(all)
	return Figures{float64(wrong) / t.Hours(), time.Duration(sum / float64(len(all)) * float64(time.Second)), all[len(all)*99/100]}
}

// BestFixed is the least fixed timeout, in steps of 50 ms up to a minute, that is wrong no more often on a trace.
func BestFixed(t *Trace, wrong float64) time.Duration {
	const step, limit = 50 * time.Millisecond, time.Minute
	var within [limit/step + 1]int // intervals by the least step that is no shorter
	longer := 0
	for i, at := range t.Arrivals[1:] {
		longer++
		if gap := at - t.Arrivals[i]; gap <= limit {
			within[(gap+step-1)/step]++
		}
	}
	longer -= within[0]
	for d := step; d <= limit; d += step {
		longer -= within[d/step]
		if float64(longer)/t.Hours() <= wrong {
			return d
		}
	}
	return limit
}
