package log

import (
	"container/list"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// How much is kept open, and in memory, of segments that nobody reads.
const (
	maxFiles      = 64
	maxIndexBytes = 16 << 20
)

const suffix = ".log"

// segmentName is the name of a segment's file.
func segmentName(number uint32) string { return fmt.Sprintf("%08d%s", number, suffix) }

// segmentNumber is the number of the segment with that file name.
func segmentNumber(name string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimSuffix(name, suffix), 10, 32)
	return uint32(n), err == nil && n > 0 && segmentName(uint32(n)) == name
}

// files are the open files of a log, with the indexes of segments that were left: those
// in use, and the last used of the others.
type files struct {
	fs  vfs.FS
	dir string

	mu     sync.Mutex
	open   map[uint32]*file
	idle   list.List // of *file that nobody uses; the last used is in front
	bytes  int64     // of all indexes
	closed bool
	err    error // of closing a file that was written to
}

// file is an open segment.
type file struct {
	vfs.File
	number  uint32
	path    string
	size    int64 // when it was opened
	written bool

	// Guarded by files.mu.
	users int
	place *list.Element // among the idle
	index *index        // nil: not loaded
	bytes int64         // of the index
}

func newFiles(fs vfs.FS, dir string) *files {
	return &files{fs: fs, dir: dir, open: map[uint32]*file{}}
}

func (c *files) path(number uint32) string { return c.fs.PathJoin(c.dir, segmentName(number)) }

// acquire opens a segment for reading, or takes it as it is open. Whoever acquires a file
// releases it.
func (c *files) acquire(number uint32) (*file, error) {
	return c.take(number, false, func(path string) (vfs.File, error) { return c.fs.Open(path) })
}

// write opens a segment for writing: an old one, or a new one in place of any other.
func (c *files) write(number uint32, create bool) (*file, error) {
	return c.take(number, true, func(path string) (vfs.File, error) {
		if create {
			return c.fs.Create(path, vfs.WriteCategoryUnspecified)
		}
		return c.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	})
}

func (c *files) take(number uint32, writes bool, open func(path string) (vfs.File, error)) (*file, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("log: %w", os.ErrClosed)
	}
	if f := c.open[number]; f != nil && (f.written || !writes) {
		if f.users++; f.place != nil {
			c.idle.Remove(f.place)
			f.place = nil
		}
		return f, nil
	}
	f, err := openFile(c.path(number), number, open)
	if err != nil {
		return nil, err
	}
	f.written, f.users = writes, 1
	if old := c.open[number]; old != nil {
		c.forget(old)
	}
	c.open[number] = f
	return f, nil
}

// openFile opens a segment in one of several ways.
func openFile(path string, number uint32, open func(path string) (vfs.File, error)) (*file, error) {
	opened, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("open log segment %s: %w", path, err)
	}
	info, err := opened.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look at log segment %s: %w", path, err), opened.Close())
	}
	return &file{File: opened, number: number, path: path, size: info.Size()}, nil
}

// release gives a file back.
func (c *files) release(f *file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.users--; f.users > 0 {
		return
	}
	if c.closed || c.open[f.number] != f {
		c.shut(f)
		return
	}
	f.place = c.idle.PushFront(f)
	c.trim()
}

// trim closes what was used longest ago. mu is held.
func (c *files) trim() {
	for e := c.idle.Back(); e != nil && (len(c.open) > maxFiles || c.bytes > maxIndexBytes); e = c.idle.Back() {
		c.forget(e.Value.(*file))
	}
}

// drop closes a segment that is about to be removed, when nobody uses it.
func (c *files) drop(number uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.open[number]; f != nil {
		c.forget(f)
	}
}

// forget takes a file out, and closes it when nobody uses it. mu is held.
func (c *files) forget(f *file) {
	delete(c.open, f.number)
	c.bytes -= f.bytes
	f.bytes = 0
	if f.place != nil {
		c.idle.Remove(f.place)
		f.place = nil
		c.shut(f)
	}
}

// shut closes a file. What was only read loses nothing when that fails. mu is held.
func (c *files) shut(f *file) {
	if err := f.Close(); err != nil && f.written && c.err == nil {
		c.err = fmt.Errorf("close log segment %s: %w", f.path, err)
	}
}

// indexOf is the index that was loaded for a file in use; nil: none was.
func (c *files) indexOf(f *file) *index {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f.index
}

// loaded keeps the index of a file in use.
func (c *files) loaded(f *file, x *index) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.index == nil && c.open[f.number] == f {
		f.index, f.bytes = x, x.bytes()
		c.bytes += f.bytes
		c.trim()
	}
}

// close closes all files: those in use when they are released.
func (c *files) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, f := range c.open {
		c.forget(f)
	}
	return c.err
}
