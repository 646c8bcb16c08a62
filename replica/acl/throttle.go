package acl

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// What unauthenticated clients can make a leader do and hold.
const (
	minDelay   = 250 * time.Millisecond // after the first wrong password from an address; each further one doubles it
	maxDelay   = 8 * time.Second
	maxWait    = 10 * time.Second // how long a password waits to be hashed before its client is turned away
	resetAfter = time.Minute      // without a wrong password, after which an address starts anew
	maxWaiting = 1024             // passwords that wait, of all addresses
	maxQueue   = 256              // and of one
	maxAddrs   = 4096             // addresses that are remembered
)

// BusyError is why a password was not looked at.
type BusyError struct{ Why string }

// Error says what to do.
func (e *BusyError) Error() string { return e.Why + "; try again later" }

// throttle lets few passwords be hashed at once, one of each address, and lets addresses
// wait from which wrong ones came:
//
//	address ─▶ one at a time ─▶ its delay ─▶ a free slot ─▶ hash ─▶ the delay grows, or ends
type throttle struct {
	slots chan struct{}

	mu      sync.Mutex
	waiting int
	addrs   map[string]*addr
}

// addr is an address that passwords come from.
type addr struct {
	one      chan struct{} // of one: whoever puts in is the one whose turn it is
	queue    int           // that wait for it, or have it
	failures int
	turn     time.Time // before which no further one is looked at
}

// newThrottle leaves three processors of four to those who are known.
func newThrottle() *throttle {
	return &throttle{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/4)), addrs: map[string]*addr{}}
}

// try calls hash when it is the address's turn, and takes notice of what came out.
// known is asked before: what was hashed meanwhile need not be hashed again.
func (d *throttle) try(ctx context.Context, from string, known, hash func() *User) (*User, error) {
	from = site(from)
	a, err := d.join(from)
	if err != nil {
		return nil, err
	}
	defer d.leave(a)
	short, end := context.WithTimeout(ctx, maxWait)
	defer end()
	user, err := d.inTurn(short, a, known, hash)
	if err != nil && ctx.Err() == nil {
		return nil, &BusyError{fmt.Sprintf("too many passwords wait to be checked, or too many wrong ones came from %s", from)}
	}
	return user, err
}

// inTurn fails with the context.
func (d *throttle) inTurn(ctx context.Context, a *addr, known, hash func() *User) (*User, error) {
	if err := take(ctx, a.one); err != nil {
		return nil, err
	}
	defer func() { <-a.one }()
	if user := known(); user != nil {
		return user, nil
	}
	if err := pause(ctx, d.delayed(a)); err != nil {
		return nil, err
	}
	if err := take(ctx, d.slots); err != nil {
		return nil, err
	}
	user := hash()
	<-d.slots
	d.note(a, user != nil)
	return user, nil
}

// take puts a token in when a slot is free.
func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause waits, but not if it would be in vain.
func pause(ctx context.Context, d time.Duration) error {
	if end, bounded := ctx.Deadline(); bounded && time.Until(end) < d {
		return context.DeadlineExceeded
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *throttle) join(from string) (*addr, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.addrs[from]
	if d.waiting >= maxWaiting || a != nil && a.queue >= maxQueue {
		return nil, &BusyError{"too many passwords wait to be checked"}
	}
	if a == nil {
		d.evict()
		a = &addr{one: make(chan struct{}, 1)}
		d.addrs[from] = a
	}
	a.queue++
	d.waiting++
	return a, nil
}

func (d *throttle) leave(a *addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a.queue--
	d.waiting--
}

func (d *throttle) delayed(a *addr) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := time.Until(a.turn)
	if left < -resetAfter {
		a.failures = 0
	}
	return max(0, left)
}

// note lets the address wait longer after a wrong password, and no more after a right
// one.
func (d *throttle) note(a *addr, right bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if right {
		a.failures, a.turn = 0, time.Time{}
		return
	}
	a.failures++
	a.turn = time.Now().Add(min(maxDelay, minDelay<<min(a.failures-1, 10)))
}

// evict forgets the address whose turn was longest ago, if there are too many. Those
// where somebody waits are few. The lock is held.
func (d *throttle) evict() {
	if len(d.addrs) < maxAddrs {
		return
	}
	oldest := ""
	for from, a := range d.addrs {
		if a.queue == 0 && (oldest == "" || a.turn.Before(d.addrs[oldest].turn)) {
			oldest = from
		}
	}
	delete(d.addrs, oldest)
}

// site is what of an address counts as one place: who has one IPv6 address has the
// 2^64 beside it.
func site(from string) string {
	host, _, err := net.SplitHostPort(from)
	if err != nil {
		host = from
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		beside, _ := ip.Prefix(64) // which every address of the kind has
		return beside.String()
	}
	return ip.String()
}
