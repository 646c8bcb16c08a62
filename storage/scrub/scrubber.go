package scrub

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"kvd/storage/disk"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config is what a scrubber is told once.
type Config struct {
	FS    vfs.FS
	Dir   string        // of the store
	Every time.Duration // from the beginning of one round to that of the next
	Rate  int64         // bytes that are read in a second at most; 0: no bound
	// Writing reports whether a file is not written to its end yet. Any goroutine may ask.
	Writing func(path string) bool
	// Found is told each place once, on the goroutine of Run.
	Found func(Finding)
	// Keep is told how far it came, after each file, on the goroutine of Run: what the next
	// process gives New.
	Keep func(Progress)
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error {
	if c.FS == nil || c.Dir == "" || c.Every <= 0 || c.Rate < 0 {
		return fmt.Errorf("scrub %q every %s, %d bytes a second: name a filesystem and a directory, and nothing below zero", c.Dir, c.Every, c.Rate)
	}
	return nil
}

// Progress is how far a scrubber came.
type Progress struct {
	Begun time.Time `json:"begun"` // the last round
	Last  string    `json:"last"`  // file that was verified, below the store's directory; empty: the round is over
}

// Stats is what a scrubber did since the process began.
type Stats struct {
	Bytes  uint64
	Rounds uint64 // that were ended
	Places uint64 // that were found
	File   string // that is being read; empty: it waits for the next round
}

// maxPlaces bounds what is remembered of places, so that each is told once.
const maxPlaces = 4096

// Scrubber verifies the files of a store that is written to, round after round.
type Scrubber struct {
	cfg  Config
	at   Progress
	told map[string]bool

	mu    sync.Mutex
	stats Stats
}

// New is a scrubber that goes on from there; the zero Progress: its first round begins when
// Config.Every has passed, because a start looks at the store itself.
func New(cfg Config, from Progress) (*Scrubber, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Scrubber{cfg: cfg, at: from, told: map[string]bool{}}, nil
}

// Stats is what it did. Any goroutine may ask.
func (s *Scrubber) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *Scrubber) count(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

// Run scrubs until stop is closed.
func (s *Scrubber) Run(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	s.run(time.Now, func(d time.Duration) bool {
		if d <= 0 {
			select {
			case <-stop:
				return false
			default:
				return true
			}
		}
		timer.Reset(d)
		select {
		case <-stop:
			return false
		case <-timer.C:
			return true
		}
	})
}

// run is Run by any clock: wait answers false when it is to stop.
func (s *Scrubber) run(now func() time.Time, wait func(time.Duration) bool) {
	if s.at.Begun.IsZero() || s.at.Begun.After(now()) {
		s.at.Begun = now()
		s.cfg.Keep(s.at)
	}
	for {
		if s.at.Last == "" {
			if !wait(s.at.Begun.Add(s.cfg.Every).Sub(now())) {
				return
			}
			s.at.Begun = now()
		}
		if !s.round(wait) {
			return
		}
		s.at.Last = ""
		s.cfg.Keep(s.at)
		s.count(func(c *Stats) { c.Rounds++; c.File = "" })
	}
}

// round verifies what is behind the last file; false: it was stopped.
func (s *Scrubber) round(wait func(time.Duration) bool) bool {
	paths, err := Files(s.cfg.FS, s.cfg.Dir)
	if err != nil {
		return s.found(Finding{s.cfg.Dir, 0, err}) == nil
	}
	fs := reading{FS: s.cfg.FS, last: new(int64), pace: &pace{rate: s.cfg.Rate, wait: wait, count: func(n int) {
		s.count(func(c *Stats) { c.Bytes += uint64(n) })
	}}}
	for _, path := range paths {
		name := s.name(path)
		if s.at.Last != "" && compare(name, s.at.Last) <= 0 || s.cfg.Writing(path) {
			continue
		}
		s.count(func(c *Stats) { c.File = name })
		if err := file(fs, path, s.found); errors.Is(err, errStopped) || !wait(0) {
			return false
		}
		s.at.Last = name
		s.cfg.Keep(s.at)
	}
	return true
}

// name is a path below the store's directory.
func (s *Scrubber) name(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, s.cfg.Dir), "/")
}

// compare is the order of [Files].
func compare(a, b string) int {
	inLog := func(name string) bool { return strings.HasPrefix(name, disk.LogDir+"/") }
	switch {
	case inLog(a) == inLog(b):
		return byNumber(a, b)
	case inLog(a):
		return -1
	}
	return 1
}

// found tells of a place, once.
func (s *Scrubber) found(f Finding) error {
	key := fmt.Sprint(f.Path, " ", f.Offset)
	if s.told[key] || len(s.told) >= maxPlaces {
		return nil
	}
	s.told[key] = true
	s.count(func(c *Stats) { c.Places++ })
	s.cfg.Found(f)
	return nil
}
