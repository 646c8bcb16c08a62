package scrub

import (
	"errors"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errStopped ends reading when the scrubber is to stop.
var errStopped = errors.New("scrubbing was stopped")

// reading is a filesystem that is read at a bounded rate.
type reading struct {
	vfs.FS
	last *int64 // where was read last
	pace *pace  // nil: no bound
}

func (r reading) stopped() bool { return r.pace != nil && r.pace.stopped }

// Open opens a file for reading.
func (r reading) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := r.FS.Open(name, o...)
	if err != nil {
		return nil, err
	}
	return &readFile{f, r}, nil
}

// readFile is a file of it.
type readFile struct {
	vfs.File
	reading reading
}

// ReadAt reads when its turn comes.
func (f *readFile) ReadAt(p []byte, at int64) (int, error) {
	*f.reading.last = at
	n, err := f.File.ReadAt(p, at)
	if (err == nil || errors.Is(err, io.EOF)) && f.reading.pace != nil && !f.reading.pace.took(n) {
		return 0, errStopped
	}
	return n, err
}

// minPause is how much is owed at least before it is waited for.
const minPause = 20 * time.Millisecond

// pace holds reading back to so many bytes a second.
type pace struct {
	rate    int64 // bytes a second; 0: no bound
	wait    func(time.Duration) bool
	count   func(n int)
	owed    time.Duration
	stopped bool
}

// took waits as long as n bytes take at that rate; false: reading is to stop.
func (p *pace) took(n int) bool {
	p.count(n)
	if p.rate > 0 {
		p.owed += time.Duration(float64(n) / float64(p.rate) * float64(time.Second))
	}
	pause := time.Duration(0)
	if p.owed >= minPause {
		pause, p.owed = p.owed, 0
	}
	p.stopped = p.stopped || !p.wait(pause)
	return !p.stopped
}
