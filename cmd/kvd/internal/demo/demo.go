package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica/client/conn"
	"kvd/replica/node"
)

// Bounds of what the page may ask for.
const (
	maxRate   = 500 // writes a second, at all leaders together
	startRate = 100
	maxFault  = 2 * time.Second // of a delay, and of a skew either way, unless they began with more
)

// timeout bounds one command.
const timeout = 5 * time.Second

// Leader is where one leader serves clients, and what is wrong with it from the start.
type Leader struct {
	Name, Addr string
	Skew       time.Duration
}

// Demo is the load and the faults of one cluster. Make it with New, and let it Run once
// the leaders serve.
type Demo struct {
	link node.LinkFault // what is wrong with all links beside delay and cuts

	rate          atomic.Int64
	done, refused atomic.Uint64

	changing sync.Mutex // held while the leaders are told
	mu       sync.Mutex // guards what follows
	leaders  []Leader
	cut      map[string]bool
	delay    time.Duration
	most     time.Duration // of delays and skews
}

var _ node.Experiments = (*Demo)(nil)

// New is a demonstration whose links have that fault from the start.
func New(link node.LinkFault) *Demo {
	d := &Demo{link: link, delay: link.Delay, most: max(maxFault, link.Delay), cut: map[string]bool{}}
	d.rate.Store(startRate)
	return d
}

// State is what is wanted now.
func (d *Demo) State() node.Experiment {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := node.Experiment{Rate: int(d.rate.Load()), MaxRate: maxRate, Done: d.done.Load(), Refused: d.refused.Load(),
		DelayMS: millis(d.delay), MaxMS: millis(d.most), Leaders: []node.ExperimentLeader{}}
	for _, l := range d.leaders {
		e.Leaders = append(e.Leaders, node.ExperimentLeader{Name: l.Name, SkewMS: millis(l.Skew), Cut: d.cut[l.Name]})
	}
	return e
}

func millis(t time.Duration) float64 { return float64(t) / float64(time.Millisecond) }

// Change does what is named. A leader that cannot be told keeps what it has, and the error
// says so.
func (d *Demo) Change(c node.ExperimentChange) error {
	if c.Rate != nil && (*c.Rate < 0 || *c.Rate > maxRate) {
		return fmt.Errorf("%d writes a second; give 0 to %d", *c.Rate, maxRate)
	}
	most := d.bound()
	delay, err := readFault("a delay", c.DelayMS, 0, most)
	if err != nil {
		return err
	}
	skew, err := readFault("a skew", c.SkewMS, -most, most)
	if err != nil {
		return err
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	at, known := d.find(c.Leader)
	if needs := c.SkewMS != nil || c.Cut != nil; needs != (c.Leader != "") || needs && !known {
		return fmt.Errorf("the leader %.40q: skew and cut are of a leader that there is, and nothing else is", c.Leader)
	}
	if c.Rate != nil {
		d.rate.Store(int64(*c.Rate))
	}
	if c.SkewMS != nil {
		if err := tell(at, "CLOCK", "offset="+skew.String()); err != nil {
			return err
		}
	}
	d.note(&c, skew, delay)
	if c.DelayMS != nil || c.Cut != nil {
		return d.impair()
	}
	return nil
}

// readFault reads milliseconds that have a bound; nil is zero.
func readFault(what string, ms *float64, least, most time.Duration) (time.Duration, error) {
	if ms == nil {
		return 0, nil
	}
	if !(*ms >= millis(least) && *ms <= millis(most)) {
		return 0, fmt.Errorf("%s of %g ms; give %g to %g", what, *ms, millis(least), millis(most))
	}
	return time.Duration(math.Round(*ms * float64(time.Millisecond))), nil
}

func (d *Demo) bound() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.most
}

func (d *Demo) find(name string) (Leader, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.leaders {
		if l.Name == name {
			return l, true
		}
	}
	return Leader{}, false
}

// note writes down what is wanted from now on.
func (d *Demo) note(c *node.ExperimentChange, skew, delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.DelayMS != nil {
		d.delay = delay
	}
	if c.Cut != nil {
		d.cut[c.Leader] = *c.Cut
	}
	for i := range d.leaders {
		if c.SkewMS != nil && d.leaders[i].Name == c.Leader {
			d.leaders[i].Skew = skew
		}
	}
}

// impair tells every leader what is wrong with its links. A link whose one end is cut off
// is cut at both.
func (d *Demo) impair() error {
	d.mu.Lock()
	leaders, delay, cut := d.leaders, d.delay, map[string]bool{}
	for name, is := range d.cut {
		cut[name] = is
	}
	d.mu.Unlock()
	var errs []error
	for _, l := range leaders {
		for _, o := range leaders {
			if o.Name == l.Name {
				continue
			}
			is := "off"
			if cut[l.Name] || cut[o.Name] {
				is = "on"
			}
			errs = append(errs, tell(l, "LINK", o.Name, "cut="+is, "delay="+delay.String(), "jitter="+d.link.Jitter.String(),
				"loss="+strconv.FormatFloat(d.link.Loss, 'g', -1, 64)))
		}
	}
	return errors.Join(errs...)
}

// tell plants a fault in a leader.
func tell(l Leader, words ...string) error {
	c, err := conn.Dial(l.Addr, timeout)
	if err != nil {
		return fmt.Errorf("%s cannot be told: %w", l.Name, err)
	}
	defer c.Close() // nothing more is asked
	if _, err := c.Do(timeout, append([]string{"KVD.FAULT"}, words...)...); err != nil {
		return fmt.Errorf("%s cannot be told: %w", l.Name, err)
	}
	return nil
}

// Run puts the load on the leaders until the context ends, and returns when all of its
// clients have ended.
func (d *Demo) Run(ctx context.Context, leaders []Leader) {
	d.mu.Lock()
	d.leaders = append([]Leader(nil), leaders...)
	for _, l := range leaders {
		d.most = max(d.most, l.Skew.Abs())
	}
	d.mu.Unlock()
	var all sync.WaitGroup
	for i, l := range leaders {
		for j := range clientsEach {
			all.Go(func() { d.client(ctx, l, uint64(i*clientsEach+j)) })
		}
	}
	all.Wait()
}
