// Package checkpoint holds the files of an open store still, as they are at one moment,
// while the store goes on.
//
//	database  flushed ─▶ pebble's Checkpoint: hard links to tables, copies of the rest
//	log       its tail, taken after that ─▶ synced ─▶ hard links
//
// Tables and segments that were left never change; of the segment that is being written
// to, what is before the end of the extent does not. So the files are what a crash at that
// moment would have left, and more than that: nothing of them is lost by one later. A store
// is opened from copies of them as it is after a crash: what objects waited in memory
// follows from the log behind the database's position.
//
// The log is taken after the database, because it must reach as far as that, and is synced
// before anybody reads: what is in a checkpoint is never taken back by a crash of the leader
// that it was taken from.
//
// Links cost nothing when they are made. They keep what compactions drop meanwhile, so a
// checkpoint is removed when it was read, and one that a crash left by the next opening.
//
// What the package is not: it reads and sends nothing, and knows no layout of the store's.
package checkpoint

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/storage/disk"
	"kvd/storage/log"
	"kvd/storage/salvage"
)

// File is one file of a store. Its name is its path below the store's directory, with
// slashes.
type File struct {
	Name  string
	Bytes int64 // what counts; the file may have more
	// Sealed says that no other file of the store ever has this name.
	Sealed bool
}

// Checkpoint is the files of a store at one moment. It may be read by several goroutines.
type Checkpoint struct {
	Files    []File // by name
	End      log.Position
	Frontier logical.Frontier // of the log

	fs  vfs.FS
	dir string
}

// Take makes one of the store in dir, below it. One that is there is removed before. What
// fails is no fault of the store's. Of the log it has what begins with the segment in which
// from lies: the database must reflect all before. The zero Position is all of it.
func Take(fs vfs.FS, dir string, db *pebble.DB, l *log.Log, from log.Position) (*Checkpoint, error) {
	defer l.Hold()() // a log that began later would not fit the database
	c := &Checkpoint{fs: fs, dir: fs.PathJoin(dir, disk.CheckpointDir)}
	if err := Clear(fs, dir); err != nil {
		return nil, err
	}
	err := db.Checkpoint(c.dir)
	if err == nil {
		err = c.tables()
	}
	if err == nil {
		err = c.log(l, from)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a checkpoint: %w", err), c.Remove())
	}
	return c, nil
}

// Clear removes a checkpoint that a crash has left.
func Clear(fsys vfs.FS, dir string) error {
	err := fsys.RemoveAll(fsys.PathJoin(dir, disk.CheckpointDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the last checkpoint: %w", err)
	}
	return nil
}

// tables lists what pebble made.
func (c *Checkpoint) tables() error {
	names, err := c.fs.List(c.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		info, err := c.fs.Stat(c.fs.PathJoin(c.dir, name))
		if err != nil {
			return err
		}
		c.Files = append(c.Files, File{name, info.Size(), salvage.IsData(name)})
	}
	return nil
}

// log links the segments.
func (c *Checkpoint) log(l *log.Log, from log.Position) error {
	t := l.Tail(from)
	if _, err := l.Sync(); err != nil {
		return err
	}
	c.End, c.Frontier = t.End, t.Frontier
	below := c.fs.PathJoin(c.dir, disk.LogDir)
	if err := c.fs.MkdirAll(below, 0o755); err != nil {
		return err
	}
	for _, s := range t.Files {
		c.Files = append(c.Files, File{disk.LogDir + "/" + s.Name, s.Bytes, s.Sealed})
	}
	return l.Copy(&t, below)
}

// Find is the file of that name; false: there is none.
func (c *Checkpoint) Find(name string) (File, bool) {
	i := slices.IndexFunc(c.Files, func(f File) bool { return f.Name == name })
	if i < 0 {
		return File{}, false
	}
	return c.Files[i], true
}

// Read reads what fits into p, and counts, from an offset on.
func (c *Checkpoint) Read(f File, at int64, p []byte) (n int, err error) {
	in, err := c.fs.Open(c.fs.PathJoin(c.dir, f.Name))
	if err != nil {
		return 0, err
	}
	n, err = io.NewSectionReader(in, 0, f.Bytes).ReadAt(p, at)
	if errors.Is(err, io.EOF) && n > 0 {
		err = nil
	}
	return n, errors.Join(err, in.Close())
}

// Sum is the SHA-256 of a file, in hexadecimal.
func (c *Checkpoint) Sum(ctx context.Context, f File) (string, error) {
	in, err := c.fs.Open(c.fs.PathJoin(c.dir, f.Name))
	if err != nil {
		return "", err
	}
	h, buffer := sha256.New(), make([]byte, 1<<20)
	for at := int64(0); at < f.Bytes && err == nil; {
		n := 0
		n, err = in.ReadAt(buffer[:min(int64(len(buffer)), f.Bytes-at)], at)
		_, _ = h.Write(buffer[:n]) // a hash takes everything
		if at += int64(n); errors.Is(err, io.EOF) && at == f.Bytes {
			err = nil
		}
		err = cmp.Or(err, ctx.Err())
	}
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, in.Close())
}

// Remove gives the disk back what only the checkpoint still held.
func (c *Checkpoint) Remove() error { return c.fs.RemoveAll(c.dir) }
