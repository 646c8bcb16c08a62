package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/replica/client/conn"
)

const (
	clientsEach = 3 // at each leader
	// idle is how long a client waits before it looks again whether it has something to do,
	// and before it tries a leader again that is gone.
	idle = 250 * time.Millisecond
	// hot, carts and members bound what the load leaves in the store.
	hot, carts, members = 4, 40, 30
)

// client is one of them: it takes a step whenever one is due.
func (d *Demo) client(ctx context.Context, at Leader, seed uint64) {
	s := &steps{dice: rand.New(rand.NewPCG(seed, 1)), addr: at.Addr, name: fmt.Sprintf("%s-%d", at.Name, seed%clientsEach+1)}
	defer s.close()
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
		}
		pause, isDue := d.next(s.dice)
		if isDue {
			if s.step() == nil {
				d.done.Add(1)
			} else if ctx.Err() == nil {
				d.refused.Add(1)
				pause = max(pause, idle)
			}
		}
		due.Reset(pause)
	}
}

// next is how long a client pauses now, and whether it takes a step before: no pause is
// long, so that another rate is soon kept.
func (d *Demo) next(dice *rand.Rand) (pause time.Duration, isDue bool) {
	rate := float64(d.rate.Load())
	if rate <= 0 {
		return idle, false
	}
	mean := float64(time.Second) * float64(d.clients()) / rate
	if mean > float64(idle) {
		return idle, dice.Float64() < float64(idle)/mean
	}
	return time.Duration(mean * (0.5 + dice.Float64())), true
}

func (d *Demo) clients() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return clientsEach * len(d.leaders)
}

// steps is what one client does, over one connection.
type steps struct {
	dice *rand.Rand
	addr string
	name string
	c    *conn.Conn
	n    int
}

func (s *steps) close() {
	if s.c != nil {
		_ = s.c.Close() // it is done with
		s.c = nil
	}
}

// step is one write, as an application would come to it.
func (s *steps) step() error {
	s.n++
	switch n := s.dice.IntN(10); {
	case n < 4: // everybody writes the same few keys
		return s.do("SET", fmt.Sprintf("hot:%d", s.dice.IntN(hot)), fmt.Sprintf("%s writes its %dth", s.name, s.n))
	case n < 6:
		return s.do("INCR", "visits")
	case n < 9:
		return s.change(fmt.Sprintf("cart:%d", s.dice.IntN(carts)), "item"+strconv.Itoa(s.dice.IntN(members)))
	}
	return s.do("SET", fmt.Sprintf("session:%d", s.dice.IntN(carts)), s.name, "EX", "60")
}

// change puts an item into a set that is kept as one value, or takes it out again: it is
// read, changed and written back, and who does that at the same time is in the way.
func (s *steps) change(key, item string) error {
	was, err := s.ask("GET", key)
	if err != nil {
		return err
	}
	items := strings.Fields(was.Text)
	if i := slices.Index(items, item); i >= 0 {
		items = slices.Delete(items, i, i+1)
	} else {
		items = append(items, item)
	}
	return s.do("SET", key, strings.Join(items, " "))
}

func (s *steps) do(words ...string) error {
	_, err := s.ask(words...)
	return err
}

// ask is one command. A connection that broke is made anew the next time.
func (s *steps) ask(words ...string) (r conn.Reply, err error) {
	if s.c == nil {
		if s.c, err = conn.Dial(s.addr, timeout); err != nil {
			s.c = nil
			return r, err
		}
	}
	r, err = s.c.Do(timeout, words...)
	if err != nil && !conn.IsRefused(err) {
		s.close()
	}
	return r, err
}
