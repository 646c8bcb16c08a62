package slowlog

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBytes bounds what is retained of all entries.
	maxBytes = 256 << 10
	// maxSamples is how many seconds are retained, the newest ones.
	maxSamples = 160
)

// Settings say what takes long. They can change at any time.
type Settings struct {
	SlowerThan time.Duration // entries are of what took at least that; below zero: there are none
	MaxLen     int           // entries retained, the newest ones
	Threshold  time.Duration // samples are of what took at least that; zero: there are none
}

// Defaults are Redis' own.
func Defaults() Settings {
	return Settings{SlowerThan: 10 * time.Millisecond, MaxLen: 128, Threshold: 10 * time.Millisecond}
}

// Log is what took long at a server. It may be used from many goroutines. Make it with New.
type Log struct {
	least atomic.Int64 // nanoseconds from which on anything is noted

	mu       sync.Mutex
	settings Settings
	entries  []Entry // oldest first
	bytes    int
	nextID   int64
	samples  []Sample // oldest first
	longest  int64    // milliseconds, of all samples since the last reset
}

// Entry is one thing that took long.
type Entry struct {
	ID         int64 // counted from zero
	At         int64 // seconds of Unix time
	Took       time.Duration
	Args       []string // shortened
	Addr, Name string   // of the client
}

// Sample is the longest of one second.
type Sample struct {
	At int64 // seconds of Unix time
	MS int64 // milliseconds
}

func (e *Entry) bytes() int {
	n := 128 + len(e.Addr) + len(e.Name)
	for _, a := range e.Args {
		n += 16 + len(a)
	}
	return n
}

// New is an empty log.
func New(s Settings) *Log {
	l := new(Log)
	l.Set(s)
	return l
}

// Settings is what is in force.
func (l *Log) Settings() Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settings
}

// Set changes the settings. Entries beyond the new length go.
func (l *Log) Set(s Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settings = s
	least := time.Duration(math.MaxInt64)
	if s.SlowerThan >= 0 {
		least = s.SlowerThan
	}
	if s.Threshold > 0 {
		least = min(least, s.Threshold)
	}
	l.least.Store(int64(least))
	l.trim()
}

// Slow reports whether Add would note what took so long. It is cheap.
func (l *Log) Slow(took time.Duration) bool { return int64(took) >= l.least.Load() }

// Add notes what took long, as the settings say, and lets the oldest go.
func (l *Log) Add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settings.SlowerThan >= 0 && e.Took >= l.settings.SlowerThan {
		e.ID = l.nextID
		l.nextID++
		l.entries, l.bytes = append(l.entries, e), l.bytes+e.bytes()
		l.trim()
	}
	if l.settings.Threshold > 0 && e.Took >= l.settings.Threshold {
		l.sample(Sample{e.At, e.Took.Milliseconds()})
	}
}

// trim lets the oldest entries go. The lock is held.
func (l *Log) trim() {
	n := 0
	for left := l.entries; len(left) > max(0, l.settings.MaxLen) || l.bytes > maxBytes; left = left[1:] {
		l.bytes -= left[0].bytes()
		n++
	}
	l.entries = slices.Delete(l.entries, 0, n)
}

// sample notes one. The lock is held.
func (l *Log) sample(s Sample) {
	l.longest = max(l.longest, s.MS)
	if n := len(l.samples); n > 0 && l.samples[n-1].At == s.At {
		l.samples[n-1].MS = max(l.samples[n-1].MS, s.MS)
		return
	}
	if len(l.samples) == maxSamples {
		l.samples = slices.Delete(l.samples, 0, 1)
	}
	l.samples = append(l.samples, s)
}

// Newest is up to n entries, the newest first; below zero: all. The slice is the caller's.
func (l *Log) Newest(n int64) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.entries)
	slices.Reverse(all)
	if n >= 0 && n < int64(len(all)) {
		all = all[:n]
	}
	return all
}

// Len is how many entries there are.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// Reset forgets the entries. Numbers go on.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.bytes = nil, 0
}

// Samples is the samples, the oldest first, and the milliseconds of the longest since the
// last reset. The slice is the caller's.
func (l *Log) Samples() (samples []Sample, longest int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.samples), l.longest
}

// ResetSamples forgets the samples, and reports whether there were any.
func (l *Log) ResetSamples() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	any := len(l.samples) > 0
	l.samples, l.longest = nil, 0
	return any
}
