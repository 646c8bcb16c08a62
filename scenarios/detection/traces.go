package detection

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Every is how often leaders beat.
const Every = 200 * time.Millisecond

// Trace is when the beats of a leader that is alive came.
type Trace struct {
	Name, About string
	Arrivals    []time.Duration // ascending, since some moment
}

// Hours is how long it lasts.
func (t *Trace) Hours() float64 {
	return (t.Arrivals[len(t.Arrivals)-1] - t.Arrivals[0]).Hours()
}

// length is how long a generated trace is.
const length = time.Hour

// Generate is traces with one trouble each. The same seed gives the same.
func Generate(seed uint64) []Trace {
	var all []Trace
	for i, g := range []struct {
		name, about string
		make        func(*rand.Rand) network
	}{
		{"lan", "delays of up to a millisecond", lan},
		{"wan", "40 ms and a jitter with a long tail", wan},
		{"lossy", "one packet in fifty is lost, and what follows waits for its retransmission", lossy},
		{"bulk", "a transfer of ten seconds fills the queues once a minute", bulk},
		{"pauses", "the sender stands still for up to two seconds, twice a minute", pauses},
	} {
		all = append(all, Trace{g.name, g.about, play(g.make(rand.New(rand.NewPCG(seed, uint64(i)))))})
	}
	return all
}

// network says of a beat that is due how long it is on its way, and how much later it is sent than it
// was due.
type network func(due time.Duration) (late, delay time.Duration)

// play sends beats through a network that keeps their order.
func play(n network) (arrivals []time.Duration) {
	last := time.Duration(0)
	for due := Every; due < length; due += Every {
		late, delay := n(due)
		last = max(last, due+late+delay)
		if late < Every || due%time.Second == 0 { // of those that a pause held up most are left out
			arrivals = append(arrivals, last)
		}
	}
	return arrivals
}

func upTo(chance *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(chance.Int64N(int64(d)))
}

func lan(chance *rand.Rand) network {
	return func(time.Duration) (late, delay time.Duration) {
		return upTo(chance, 5*time.Millisecond), upTo(chance, time.Millisecond)
	}
}

func wan(chance *rand.Rand) network {
	return func(time.Duration) (late, delay time.Duration) {
		jitter := 10 * math.Exp(1.2*chance.NormFloat64()) // log-normal, in milliseconds
		return 0, 40*time.Millisecond + time.Duration(min(jitter, 2000)*float64(time.Millisecond))
	}
}

func lossy(chance *rand.Rand) network {
	return func(time.Duration) (late, delay time.Duration) {
		delay = 20 * time.Millisecond
		for wait := 200 * time.Millisecond; chance.IntN(50) == 0 || wait > 200*time.Millisecond && chance.IntN(8) == 0; wait *= 2 {
			delay += wait
		}
		return 0, delay
	}
}

func bulk(chance *rand.Rand) network {
	return func(due time.Duration) (late, delay time.Duration) {
		delay = upTo(chance, 5*time.Millisecond)
		if into := due % time.Minute; into < 10*time.Second { // the queue grows and is emptied again
			full := 1 - math.Abs(into.Seconds()-5)/5
			delay += time.Duration(full*1.5*float64(time.Second)) + upTo(chance, 300*time.Millisecond)
		}
		return 0, delay
	}
}

func pauses(chance *rand.Rand) network {
	until := time.Duration(0)
	return func(due time.Duration) (late, delay time.Duration) {
		if chance.IntN(150) == 0 {
			until = max(until, due+upTo(chance, 2*time.Second))
		}
		return max(0, until-due), upTo(chance, time.Millisecond)
	}
}

// maxArrivals bounds what is read of a recorded trace.
const maxArrivals = 10_000_000

// Read reads a recorded trace: the moment of one arrival a line, in seconds, ascending; blank lines and those that
// begin with # are passed over.
func Read(name string, r io.Reader) (Trace, error) {
	t := Trace{Name: name, About: "recorded"}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		s, err := strconv.ParseFloat(text, 64)
		at := time.Duration(s * float64(time.Second))
		switch {
		case err != nil || !(math.Abs(s) < 1e9):
			return t, fmt.Errorf("line %d: %.40q is no moment in seconds such as 12.345", n, text)
		case len(t.Arrivals) > 0 && at < t.Arrivals[len(t.Arrivals)-1]:
			return t, fmt.Errorf("line %d: %s comes before the line above it; arrivals ascend", n, text)
		case len(t.Arrivals) == maxArrivals:
			return t, fmt.Errorf("line %d: more than %d arrivals", n, maxArrivals)
		}
		t.Arrivals = append(t.Arrivals, at)
	}
	if err := lines.Err(); err != nil {
		return t, err
	}
	if len(t.Arrivals) < 2 || t.Hours() == 0 {
		return t, fmt.Errorf("%d arrivals are no trace; two at different moments are the least", len(t.Arrivals))
	}
	return t, nil
}
