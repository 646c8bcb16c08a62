package disk

import (
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Calls is how long changes of files take: writes, and syncs of files and directories.
type Calls struct {
	Age     time.Duration // of the oldest call that has not returned; 0: there is none
	Slowest time.Duration // of those that returned within the last CallWindow, and of that one
}

// CallWindow is how long a slow call is remembered, at least; at most it is half as much
// longer.
const CallWindow = 10 * time.Second

// meter measures calls. It keeps the slowest of two stretches of time, so that one is
// forgotten when the next has passed.
type meter struct {
	mu      sync.Mutex
	now     func() time.Time
	running []time.Time // when those that have not returned began
	since   time.Time   // when the present stretch began
	slowest [3]time.Duration
}

// measure does a call.
func (m *meter) measure(call func() error) error {
	began := m.now()
	m.mu.Lock()
	m.running = append(m.running, began)
	m.mu.Unlock()
	err := call()
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.Index(m.running, began); i >= 0 {
		m.running[i] = m.running[len(m.running)-1]
		m.running = m.running[:len(m.running)-1]
	}
	now := m.now()
	m.turn(now)
	m.slowest[0] = max(m.slowest[0], now.Sub(began))
	return err
}

// turn begins another stretch when it is time. mu is held.
func (m *meter) turn(now time.Time) {
	const stretch = CallWindow / 2
	for n := 0; now.Sub(m.since) >= stretch && n < len(m.slowest); n++ {
		copy(m.slowest[1:], m.slowest[:])
		m.slowest[0] = 0
		m.since = m.since.Add(stretch)
	}
	if now.Sub(m.since) >= stretch {
		m.since = now
	}
}

// calls is how long they take.
func (m *meter) calls() (c Calls) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.turn(now)
	for _, began := range m.running {
		c.Age = max(c.Age, now.Sub(began))
	}
	c.Slowest = max(c.Age, slices.Max(m.slowest[:]))
	return c
}

// measured is a filesystem whose calls are measured.
type measured struct {
	vfs.FS
	meter *meter
}

func newMeasured(fs vfs.FS) measured {
	return measured{fs, &meter{now: time.Now, since: time.Now()}}
}

// Unwrap is the real filesystem.
func (d measured) Unwrap() vfs.FS { return d.FS }

func (d measured) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.file(d.FS.Create(name, c))
}

func (d measured) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return d.file(d.FS.OpenReadWrite(name, c, o...))
}

func (d measured) ReuseForWrite(from, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.file(d.FS.ReuseForWrite(from, name, c))
}

func (d measured) OpenDir(name string) (vfs.File, error) { return d.file(d.FS.OpenDir(name)) }

func (d measured) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &measuredFile{f, d.meter}, nil
}

type measuredFile struct {
	vfs.File
	meter *meter
}

func (f *measuredFile) Write(p []byte) (n int, err error) {
	err = f.meter.measure(func() (err error) { n, err = f.File.Write(p); return err })
	return n, err
}

func (f *measuredFile) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.meter.measure(func() (err error) { n, err = f.File.WriteAt(p, at); return err })
	return n, err
}

func (f *measuredFile) SyncTo(n int64) (full bool, err error) {
	err = f.meter.measure(func() (err error) { full, err = f.File.SyncTo(n); return err })
	return full, err
}

func (f *measuredFile) Sync() error     { return f.meter.measure(f.File.Sync) }
func (f *measuredFile) SyncData() error { return f.meter.measure(f.File.SyncData) }
