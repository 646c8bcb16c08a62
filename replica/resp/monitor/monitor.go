// Package monitor shows some clients what others send, as MONITOR does.
//
// Nobody who is shown waits for who looks: lines beyond a bound are left out, and who
// takes them too slowly is told how many were. While nobody monitors, a command costs one
// look.
package monitor

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kvd/replica/resp"
)

const (
	// MaxBytes is how many bytes of lines wait for a client. Those beyond are left out.
	MaxBytes = 1 << 20
	// maxArg and maxArgs bound what is shown of a command.
	maxArg, maxArgs = 1024, 64
)

// Hub is the clients that monitor. It may be used from many goroutines. The zero Hub has
// none.
type Hub struct {
	mu  sync.Mutex
	all atomic.Pointer[[]*Lines] // never changed in place; nil: none
}

// Lines are those that one client has yet to take.
type Lines struct {
	wake func()

	mu     sync.Mutex
	lines  []string
	bytes  int
	missed int  // lines that were left out since the last one that was not
	woken  bool // wake was called since Next had nothing
}

// Join begins to collect lines. Wake is called, on any goroutine, when one has come after
// Next had none; it does not wait.
func (h *Hub) Join(wake func()) *Lines {
	l := &Lines{wake: wake}
	h.change(func(all []*Lines) []*Lines { return append(slices.Clone(all), l) })
	return l
}

// Leave ends that.
func (h *Hub) Leave(l *Lines) {
	h.change(func(all []*Lines) []*Lines {
		return slices.DeleteFunc(slices.Clone(all), func(o *Lines) bool { return o == l })
	})
}

func (h *Hub) change(f func([]*Lines) []*Lines) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*Lines
	if p := h.all.Load(); p != nil {
		all = *p
	}
	if all = f(all); len(all) == 0 {
		h.all.Store(nil)
		return
	}
	h.all.Store(&all)
}

// Active reports whether anybody monitors.
func (h *Hub) Active() bool { return h.all.Load() != nil }

// Show gives a line to all who monitor.
func (h *Hub) Show(line string) {
	if all := h.all.Load(); all != nil {
		for _, l := range *all {
			l.add(line)
		}
	}
}

func (l *Lines) add(line string) {
	l.mu.Lock()
	if l.bytes+len(line) > MaxBytes {
		l.missed++
	} else {
		l.lines, l.bytes = append(l.lines, line), l.bytes+len(line)
	}
	wake := !l.woken
	l.woken = true
	l.mu.Unlock()
	if wake {
		l.wake()
	}
}

// Next is the oldest line, or how many were left out behind those taken; false: there is
// none now.
func (l *Lines) Next() (line string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.lines) > 0:
		line = l.lines[0]
		l.lines, l.bytes = l.lines[1:], l.bytes-len(line)
		return line, true
	case l.missed > 0:
		line = strconv.Itoa(l.missed) + " commands are not shown: they came faster than this client takes them"
		l.missed = 0
		return line, true
	}
	l.lines, l.woken = nil, false
	return "", false
}

// Line is a command as MONITOR shows it: when, of which database and client, and its
// arguments, but for those that are secret.
func Line(now time.Time, addr string, args resp.Args, secret func(i int) bool) string {
	b := fmt.Appendf(nil, "%d.%06d [0 %s]", now.Unix(), now.Nanosecond()/1000, addr)
	for i, a := range args {
		if i == maxArgs {
			b = append(b, " ... ("+strconv.Itoa(len(args)-i)+" more arguments)"...)
			break
		}
		b = append(b, ' ')
		if secret(i) {
			b = append(b, `"(redacted)"`...)
			continue
		}
		b = resp.Quote(b, a[:min(len(a), maxArg)])
		if more := len(a) - maxArg; more > 0 {
			b = append(b, "... ("+strconv.Itoa(more)+" more bytes)"...)
		}
	}
	return string(b)
}
