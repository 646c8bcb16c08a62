package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"kvd/replica/client"
	"kvd/replica/client/conn"
)

// Lag is what a measurement of replication lag is told.
type Lag struct {
	From, To func(context.Context) (net.Conn, error) // where to write, and where to look
	Prefix   string                                  // every key begins so
	Size     int                                     // bytes of a value, at least; 0: as few as it takes
	Samples  int64                                   // end after so many; 0: after Duration
	Duration time.Duration
	Rate     float64       // writes a second; 0: each when the one before was seen
	Timeout  time.Duration // a write not seen after this fails the measurement
	Run      string        // distinguishes this run's values from those of others
	Progress func(done int64, after time.Duration)
}

// Lagged is what it came to, from sending a write until another leader shows it.
// Since polling takes a round trip, so much of each is the polling.
type Lagged struct {
	Visible Spread // since the write was sent
	Acked   Spread // until the write was acknowledged
	Polls   int64  // how often the other was asked
	Took    time.Duration
}

// Validate names the first thing that cannot work.
func (g *Lag) Validate() error {
	switch {
	case g.From == nil || g.To == nil:
		return errors.New("bench: nobody dials")
	case g.Samples < 0 || g.Samples == 0 && g.Duration <= 0:
		return errors.New("neither requests nor a duration; give one")
	case g.Size < 0 || g.Size > maxSize:
		return fmt.Errorf("values of %d bytes; give 0 to %d", g.Size, maxSize)
	case g.Rate < 0:
		return fmt.Errorf("a rate of %g a second; give more than 0, or 0 for one after the other", g.Rate)
	case g.Timeout <= 0:
		return fmt.Errorf("a timeout of %s; give more than 0", g.Timeout)
	}
	return nil
}

type probe struct {
	Lag
	from, to       *conn.Conn
	visible, acked *histogram
	polls          int64
	value, seen    []byte
}

// MeasureLag writes at one leader and polls at another until each write is shown
// there. When ctx ends, it returns what was measured so far and ctx's error.
func MeasureLag(ctx context.Context, g Lag) (Lagged, error) {
	if err := g.Validate(); err != nil {
		return Lagged{}, err
	}
	p := &probe{Lag: g, visible: newHistogram(), acked: newHistogram(), seen: make([]byte, 0, 64)}
	nc, err := g.From(ctx)
	if err != nil {
		return Lagged{}, fmt.Errorf("connect to where to write: %w", err)
	}
	p.from = conn.New(nc)
	defer closedBy(ctx, p.from)()
	if nc, err = g.To(ctx); err != nil {
		return Lagged{}, fmt.Errorf("connect to where to look: %w", err)
	}
	p.to = conn.New(nc)
	defer closedBy(ctx, p.to)()
	began := time.Now()
	err = p.loop(ctx, began)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return Lagged{
		Visible: spread([]*histogram{p.visible}), Acked: spread([]*histogram{p.acked}),
		Polls: p.polls, Took: time.Since(began),
	}, err
}

func (p *probe) loop(ctx context.Context, began time.Time) error {
	var step time.Duration
	if p.Rate > 0 {
		step = time.Duration(float64(time.Second) / p.Rate)
	}
	for n := int64(0); p.Samples == 0 || n < p.Samples; n++ {
		now := time.Now()
		if p.Samples == 0 && now.Sub(began) >= p.Duration {
			return nil
		}
		if err := client.Pause(ctx, began.Add(time.Duration(n)*step).Sub(now)); err != nil {
			return err
		}
		if err := p.sample(n); err != nil {
			return err
		}
		if p.Progress != nil {
			p.Progress(n+1, time.Since(began))
		}
	}
	return nil
}

const lagKeys = 1000

// sample writes once and polls until that is shown.
func (p *probe) sample(n int64) error {
	key := p.Prefix + "lag:" + strconv.FormatInt(n%lagKeys, 10)
	p.value = append(strconv.AppendInt(append(p.value[:0], p.Run...), n, 10), ':')
	for len(p.value) < p.Size {
		p.value = append(p.value, 'x')
	}
	began := time.Now()
	deadline := began.Add(p.Timeout)
	if err := errors.Join(p.from.SetDeadline(deadline), p.to.SetDeadline(deadline)); err != nil {
		return err
	}
	p.from.Command("SET", key, string(p.value))
	if err := p.from.Send(); err != nil {
		return err
	}
	if _, err := p.from.Value(nil); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	p.acked.record([]time.Duration{time.Since(began)})
	if err := p.poll(key); err != nil {
		return fmt.Errorf("look for a write that is %s old: %w", time.Since(began).Round(time.Millisecond), err)
	}
	p.visible.record([]time.Duration{time.Since(began)})
	return nil
}

// poll asks until the key shows the value, or the connection's deadline passes.
func (p *probe) poll(key string) error {
	for {
		p.polls++
		p.to.Command("GET", key)
		if err := p.to.Send(); err != nil {
			return err
		}
		var err error
		if p.seen, err = p.to.Value(p.seen[:0]); err != nil {
			return err
		}
		if bytes.Equal(p.seen, p.value) {
			return nil
		}
	}
}
