package server

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// monitors is the connections that MONITOR. Nobody pays for them while there are none
// but for one look.
type monitors struct {
	mu  sync.Mutex
	all atomic.Pointer[[]*monitor] // never changed in place; nil: none
}

// monitor is the lines that one of them has yet to take.
type monitor struct {
	ring func() // wakes its connection; it does not wait

	mu     sync.Mutex
	lines  []string
	bytes  int
	missed int  // lines that found no room since the last one that did
	told   bool // the bell was rung since next had nothing
}

const (
	// maxMonitored is how many bytes of lines wait for a client. Those beyond are not
	// kept: it is told how many they were.
	maxMonitored = 1 << 20
	// maxShownArg and maxShownArgs bound what is shown of a command.
	maxShownArg, maxShownArgs = 1024, 64
)

// MonitorRoles is the roles of who may see what others send.
const MonitorRoles = acl.Read | acl.Admin

func Monitor(k *Call) error {
	if k.conn.monitor == nil {
		if err := k.conn.reserve(maxMonitored, k.conn.srv.cfg.Arrive); err != nil {
			return err
		}
		k.conn.monitor = &monitor{ring: k.conn.ring}
		k.conn.srv.monitors.change(func(all []*monitor) []*monitor { return append(slices.Clone(all), k.conn.monitor) })
	}
	k.Out.Simple("OK")
	return nil
}

// unmonitor ends MONITOR.
func (c *conn) unmonitor() {
	if c.monitor == nil {
		return
	}
	c.srv.monitors.change(func(all []*monitor) []*monitor {
		return slices.DeleteFunc(slices.Clone(all), func(w *monitor) bool { return w == c.monitor })
	})
	c.monitor = nil
	c.giveBack(maxMonitored)
}

func (s *monitors) change(f func([]*monitor) []*monitor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*monitor
	if p := s.all.Load(); p != nil {
		all = *p
	}
	if all = f(all); len(all) == 0 {
		s.all.Store(nil)
		return
	}
	s.all.Store(&all)
}

// show tells all monitors what a client sends.
func (s *monitors) show(k *Call) {
	all := s.all.Load()
	if all == nil {
		return
	}
	line := k.monitored()
	for _, w := range *all {
		w.tell(line)
	}
}

// tell adds a line, if there is room.
func (w *monitor) tell(line string) {
	w.mu.Lock()
	if w.bytes+len(line) > maxMonitored {
		w.missed++
	} else {
		w.lines, w.bytes = append(w.lines, line), w.bytes+len(line)
	}
	wake := !w.told
	w.told = true
	w.mu.Unlock()
	if wake {
		w.ring()
	}
}

// next is the oldest line, or how many found no room behind those taken; false: there
// is none now.
func (w *monitor) next() (line string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.lines) > 0:
		line = w.lines[0]
		w.lines, w.bytes = w.lines[1:], w.bytes-len(line)
		return line, true
	case w.missed > 0:
		line = strconv.Itoa(w.missed) + " commands are not shown: they came faster than this client takes them"
		w.missed = 0
		return line, true
	}
	w.lines, w.told = nil, false
	return "", false
}

// monitored is the command at hand as MONITOR shows it: when, of which database and
// client, and its arguments.
func (k *Call) monitored() string {
	now := k.conn.srv.cfg.Clock()
	b := strconv.AppendInt(nil, now.Unix(), 10)
	b = append(b, '.')
	micros := strconv.Itoa(now.Nanosecond() / 1000)
	b = append(append(b, "000000"[len(micros):]...), micros...)
	b = append(append(append(b, " [0 "...), k.conn.addr...), ']')
	for i, a := range k.Args {
		if i == maxShownArgs {
			b = append(b, " ... ("+strconv.Itoa(len(k.Args)-i)+" more arguments)"...)
			break
		}
		b = append(b, ' ')
		if k.secret(i) {
			b = append(b, `"(redacted)"`...)
			continue
		}
		b = resp.Quote(b, a[:min(len(a), maxShownArg)])
		if more := len(a) - maxShownArg; more > 0 {
			b = append(b, "... ("+strconv.Itoa(more)+" more bytes)"...)
		}
	}
	return string(b)
}

// secret reports whether argument i may be a password.
func (k *Call) secret(i int) bool { return k.cmd.Secret != nil && k.cmd.Secret(k.Args, i) }
