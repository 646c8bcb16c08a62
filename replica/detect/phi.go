package detect

import (
	"math"
	"time"
)

// Phi of which others speak: from Suspect on a leader may be gone, from Gone on it is taken for that.
const (
	Suspect = 3
	Gone    = 8
	maxPhi  = 300
)

// Settings is what a Detector is told once.
type Settings struct {
	Interval time.Duration // between beats, until some were heard
	Pause    time.Duration // that a beat may be late for without being suspected: small pauses of a process
	MinSigma time.Duration // the deviation is taken to be at least this
}

// Defaults are for leaders that beat so often.
func Defaults(interval time.Duration) Settings {
	return Settings{Interval: interval, Pause: 500 * time.Millisecond, MinSigma: max(100*time.Millisecond, interval/5)}
}

// window is how many intervals are remembered.
const window = 200

// Detector is of one other leader. It is one goroutine's at a time.
type Detector struct {
	s       Settings
	last    time.Duration // when anything was heard
	beat    time.Duration // when the last beat was
	heard   bool
	excused time.Duration // until then nothing is held against the other

	intervals [window]float32 // in seconds
	n, next   int
	sum, sq   float64
}

// New has heard nothing yet.
func New(s Settings) *Detector { return &Detector{s: s} }

// Beat notes a beat, which comes at intervals.
func (d *Detector) Beat(now time.Duration) {
	if d.heard && d.beat > 0 {
		d.learn(now - d.beat)
	}
	d.beat = now
	d.Hear(now)
}

// Hear notes that something else was heard, which comes when there is something to say.
func (d *Detector) Hear(now time.Duration) { d.last, d.heard = now, true }

// maxTimes is how many means an interval may take that is no outage.
const maxTimes = 4

func (d *Detector) learn(interval time.Duration) {
	mean, _ := d.moments()
	x := float64(float32(interval.Seconds()))
	if x > maxTimes*max(mean, d.s.Interval.Seconds()) {
		return
	}
	if d.n == window {
		old := float64(d.intervals[d.next])
		d.sum, d.sq = d.sum-old, d.sq-old*old
	} else {
		d.n++
	}
	d.intervals[d.next] = float32(x)
	d.next = (d.next + 1) % window
	d.sum, d.sq = d.sum+x, d.sq+x*x
}

// moments is mean and deviation in seconds. The first few intervals count beside the one that is
// expected.
func (d *Detector) moments() (mean, sigma float64) {
	const weight = 4
	expected := d.s.Interval.Seconds()
	n := float64(d.n + weight)
	mean = (d.sum + weight*expected) / n
	spread := (expected / 4) * (expected / 4)
	variance := (d.sq+weight*(expected*expected+spread))/n - mean*mean
	return mean, max(math.Sqrt(max(0, variance)), d.s.MinSigma.Seconds())
}

// Excuse lets nothing be held against the other until a moment: whoever asks stood still itself.
func (d *Detector) Excuse(until time.Duration) { d.excused = max(d.excused, until) }

// Phi is how sure it is that the other is gone: 1 is wrong one time in ten, 2 in a hundred, 8 in a hundred million,
// as far as intervals go on as they were. Zero before anything was heard.
func (d *Detector) Phi(now time.Duration) float64 {
	if !d.heard || now < d.excused {
		return 0
	}
	silent := min(now-d.last, now-d.excused)
	mean, sigma := d.moments()
	return Phi(silent.Seconds(), mean+d.s.Pause.Seconds(), sigma)
}

// Silence is how long it must be silent, counted from when it was heard last, until phi is so much.
func (d *Detector) Silence(phi float64) time.Duration {
	mean, sigma := d.moments()
	x := mean + d.s.Pause.Seconds() + sigma*math.Sqrt2*math.Erfcinv(2*math.Pow(10, -phi))
	return time.Duration(x * float64(time.Second))
}

// Phi is minus the decimal logarithm of the probability that a normal variable exceeds x, at most 300.
func Phi(x, mean, sigma float64) float64 {
	later := math.Erfc((x-mean)/(sigma*math.Sqrt2)) / 2
	return min(maxPhi, max(0, -math.Log10(later)))
}
