package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/disk"
	"kvd/storage/log"
	"kvd/storage/salvage"
	"kvd/storage/scrub"
)

// Report is what was read, and what is wrong with it.
type Report struct {
	Files    int   // tables, files of values and segments of the log
	Bytes    int64 // what they have
	Objects  int   // keys that have anything
	Frontier logical.Frontier
	Damages  []error // each names its file; none: the store is whole
}

// Store verifies the store in dir. Tell, which may be nil, is called after each file. The
// error says that it could not be done: the directory is in use, or cannot be read, or ctx
// has ended.
func Store(ctx context.Context, fsys vfs.FS, dir string, tell func(*Report)) (*Report, error) {
	v := verifying{ctx: ctx, fs: fsys, dir: dir, tell: tell}
	lock, err := disk.LockDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, disk.Advised(err))
	}
	err = errors.Join(v.files(), lock.Close())
	if err == nil && !v.logLost {
		err = v.together()
	}
	if err == nil {
		err = ctx.Err()
	}
	return &v.report, err
}

type verifying struct {
	ctx    context.Context
	fs     vfs.FS
	dir    string
	tell   func(*Report)
	report Report

	logLost bool // the log cannot be opened, so the store cannot be either
}

// damaged notes a damage, once.
func (v *verifying) damaged(err error) {
	if err != nil && !slices.ContainsFunc(v.report.Damages, func(known error) bool { return known.Error() == err.Error() }) {
		v.report.Damages = append(v.report.Damages, err)
	}
}

// files verifies each file by itself.
func (v *verifying) files() error {
	paths, err := scrub.Files(v.fs, v.dir)
	if err != nil {
		return fmt.Errorf("verify %s: %w", v.dir, err)
	}
	v.damaged(salvage.Examine(v.fs, v.dir, salvage.Manifest{}))
	for _, path := range paths {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		err := scrub.File(v.fs, path, func(f scrub.Finding) error {
			v.damaged(f)
			return v.ctx.Err()
		})
		if err != nil {
			return err
		}
		v.read(path)
	}
	return v.log()
}

// read counts a file.
func (v *verifying) read(path string) {
	v.report.Files++
	if info, err := v.fs.Stat(path); err == nil {
		v.report.Bytes += info.Size()
	}
	if v.tell != nil {
		v.tell(&v.report)
	}
}

// log opens the log, which says whether its segments belong together.
func (v *verifying) log() error {
	dir := v.fs.PathJoin(v.dir, disk.LogDir)
	if _, err := v.fs.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil // an older store has none
	}
	l, err := log.Open(log.Options{FS: v.fs, Dir: dir, ReadOnly: true})
	if err != nil {
		v.damaged(err)
		v.logLost = true
		return nil
	}
	return l.Close()
}

// together opens the store, which holds database and log against each other, and reads
// what it has.
func (v *verifying) together() error {
	s, err := storage.Open(storage.Options{FS: v.fs, Dir: v.dir, ReadOnly: true, Cache: 32 << 20})
	switch {
	case disk.CauseOf(err) == disk.Damaged:
		v.damaged(err)
		return nil
	case err != nil:
		return err
	}
	st, _, err := s.State()
	v.damaged(err)
	v.report.Frontier = st.Frontier
	v.damaged(s.CheckLog(1 << 10))
	v.damaged(s.Objects(func(*resolve.Object) bool {
		v.report.Objects++
		return v.ctx.Err() == nil
	}))
	if v.ctx.Err() == nil {
		v.damaged(s.CheckLedger())
	}
	v.damaged(s.Damage())
	return s.Close()
}
