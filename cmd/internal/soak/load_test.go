package soak

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// client is one of those who write: what it does next, by its own dice.
type client struct {
	*rand.Rand
	id      int
	n       int // writes begun
	cluster *cluster
	book    *book
	stale   map[string]string // tokens of long ago, by key
}

// pick is any leader.
func (c *client) pick() *leader {
	all := c.cluster.all()
	return all[c.IntN(len(all))]
}

// run writes until the context ends. A leader that is away or busy costs a
// moment, so that clients do not spin.
func (c *client) run(ctx context.Context) error {
	steps := []func(context.Context, *leader) (outcome, error){
		c.set, c.set, c.set, c.addElement, c.addElement, c.addStale, c.incr, c.incr, c.setLasting, c.setEnding, c.setLarge, c.change,
	}
	for ctx.Err() == nil {
		c.n++
		o, err := steps[c.IntN(len(steps))](context.WithoutCancel(ctx), c.pick())
		if err != nil {
			return err
		}
		pause := time.Duration(0)
		if o != done {
			pause = 20 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

func (c *client) unique() string { return fmt.Sprintf("v-%d-%d", c.id, c.n) }

// set writes a register that last-write-wins serves.
func (c *client) set(ctx context.Context, l *leader) (outcome, error) {
	return c.write(ctx, l, "reg:"+strconv.Itoa(c.IntN(200)), c.unique())
}

// change writes a register whose resolver changes half-way.
func (c *client) change(ctx context.Context, l *leader) (outcome, error) {
	return c.write(ctx, l, "chg:"+strconv.Itoa(c.IntN(50)), c.unique())
}

func (c *client) write(ctx context.Context, l *leader, key, value string) (outcome, error) {
	reply, err := l.client.Do(ctx, "KVD.SET", key, value, "EVIDENCE").Result()
	o := c.book.told(err)
	c.book.register(key, value, o)
	if o != done {
		return o, nil
	}
	return o, c.book.wrote(reply)
}

// setLarge writes megabytes, the largest of them more than fits with others.
func (c *client) setLarge(ctx context.Context, l *leader) (outcome, error) {
	if c.IntN(8) > 0 {
		return c.set(ctx, l)
	}
	size := 1<<20 + c.IntN(largest-1<<20)
	value := c.unique() + strings.Repeat("x", size)
	err := l.client.Set(ctx, "big:"+strconv.Itoa(c.IntN(bigKeys)), value, 0).Err()
	o := c.book.told(err)
	return o, nil
}

// addElement reads a set and writes it back with one more.
func (c *client) addElement(ctx context.Context, l *leader) (outcome, error) {
	key := fmt.Sprintf("sib:%d", c.IntN(10)+10*(c.n/1500))
	token, elements, err := readSet(ctx, l, key)
	if err != nil {
		return denied, nil
	}
	o, err := c.addTo(ctx, l, key, token, elements)
	// The token covers the elements that were read, so it is kept only when a write beside
	// the stale ones, under the same token, holds them.
	if o == done && (c.IntN(20) == 0 || c.stale[key] == "") {
		c.stale[key] = token
	}
	return o, err
}

func (c *client) addTo(ctx context.Context, l *leader, key, token string, elements map[string]struct{}) (outcome, error) {
	element := c.unique()
	value := strings.Join(append(slices.Sorted(maps.Keys(elements)), element), " ")
	reply, err := l.client.Do(ctx, "KVD.SET", key, value, "TOKEN", token, "EVIDENCE").Result()
	o := c.book.told(err)
	if o != done {
		return o, nil
	}
	c.book.element(key, element)
	return o, c.book.wrote(reply)
}

// addStale writes by a token of long ago, which makes siblings.
func (c *client) addStale(ctx context.Context, l *leader) (outcome, error) {
	for key, token := range c.stale {
		return c.addTo(ctx, l, key, token, nil)
	}
	return c.addElement(ctx, l)
}

// incr counts. Some counters have a deadline far off, given again and again.
func (c *client) incr(ctx context.Context, l *leader) (outcome, error) {
	key := "cnt:" + strconv.Itoa(c.IntN(10))
	if ends := c.IntN(3) == 0; ends {
		key = "cnt:ends:" + strconv.Itoa(c.IntN(4))
		defer func() { _ = c.cluster.leader("n1").client.Expire(ctx, key, time.Hour).Err() }() // whether it came is seen at the end
	}
	o := c.book.told(l.client.Incr(ctx, key).Err())
	c.book.add(key, o)
	return o, nil
}

// setLasting writes a key once, with a deadline that no test reaches.
func (c *client) setLasting(ctx context.Context, l *leader) (outcome, error) {
	key, value := "ttl:"+c.unique(), c.unique()
	o := c.book.told(l.client.Set(ctx, key, value, lasting).Err())
	if o == done {
		c.book.mu.Lock()
		defer c.book.mu.Unlock()
		c.book.lasting[key] = value
	}
	return o, nil
}

// setEnding writes a key once that is to end soon.
func (c *client) setEnding(ctx context.Context, l *leader) (outcome, error) {
	key := "end:" + c.unique()
	o := c.book.told(l.client.Set(ctx, key, "x", time.Second+time.Duration(c.IntN(2000))*time.Millisecond).Err())
	if o != denied { // one without a reply may have been done late, and ends as well
		c.book.mu.Lock()
		defer c.book.mu.Unlock()
		c.book.ending[key] = struct{}{}
	}
	return o, nil
}

// readSlowly asks for the largest values many times over and does not read.
func readSlowly(ctx context.Context, at string) {
	conn, err := net.DialTimeout("tcp", at, answerWithin)
	if err != nil {
		return // the leader is away
	}
	defer conn.Close()
	ask := "*401\r\n$4\r\nMGET\r\n"
	for i := range 400 {
		ask += "$5\r\nbig:" + strconv.Itoa(i%bigKeys) + "\r\n"
	}
	if _, err := io.WriteString(conn, ask); err != nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
	}
}

// jump moves a leader's clock a day ahead, and back when it has stood there.
func jump(ctx context.Context, l *leader) {
	if l.client.Do(ctx, "KVD.FAULT", "CLOCK", "step=24h").Err() != nil {
		return // it is away
	}
	select {
	case <-ctx.Done():
	case <-time.After(2 * time.Second):
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	_ = again(back, 10*time.Millisecond, func() error {
		if l.client.Do(back, "KVD.FAULT", "CLOCK", "step=-24h").Err() == nil {
			cancel()
		}
		return nil
	})
}
