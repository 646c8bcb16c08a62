package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"

	"kvd/storage/disk"
	"kvd/storage/file"
)

// Source is a leader's store at one moment.
type Source interface {
	// Sum is the SHA-256 of a file, in hexadecimal.
	Sum(ctx context.Context, name string) (string, error)
	// Read is bytes of a file from an offset on, at least one; they are the caller's until
	// the next call.
	Read(ctx context.Context, name string, offset int64) ([]byte, error)
}

// Written is what a backup did.
type Written struct {
	Files, New      int
	Bytes, NewBytes int64 // of the files themselves
	Kept            int64 // what the new ones take in the backup
}

// Write takes a backup of the files into dir, which is made when it is absent. Else it is
// empty, or has a backup of the same leader, which is brought up to date, or one that was
// not ended, which is begun again. Tell, which may be nil, hears how far it is. When it
// fails, what was there before is as it was.
func Write(ctx context.Context, dir string, about About, files []File, from Source, tell func(Written)) (*Written, error) {
	if err := about.validBeside(); err != nil {
		return nil, err
	}
	w := writing{dir: dir, from: from, tell: tell, manifest: Manifest{Format: format, About: about}}
	if err := w.begin(); err != nil {
		return nil, err
	}
	err := w.all(ctx, files)
	if err == nil {
		err = w.end()
	}
	if err = errors.Join(err, w.lock.Close()); err != nil {
		return nil, disk.Advised(err)
	}
	return &w.done, nil
}

type writing struct {
	dir      string
	from     Source
	tell     func(Written)
	lock     io.Closer
	manifest Manifest
	done     Written
}

// begin makes or takes the directory.
func (w *writing) begin() error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return disk.Advised(err)
	}
	lock, err := disk.LockDir(vfs.Default, w.dir)
	if err != nil {
		return disk.Advised(err)
	}
	if err = w.mayWrite(); err == nil {
		err = disk.Advised(os.MkdirAll(filepath.Join(w.dir, filesDir), 0o700))
	}
	if err == nil {
		text := fmt.Sprintf("A backup of %s was begun and has not ended. kv backup goes on with it.\n", w.manifest.Leader)
		err = disk.Advised(file.Replace(filepath.Join(w.dir, unfinishedFile), []byte(text), 0o600))
	}
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	w.lock = lock
	return nil
}

// mayWrite refuses a directory that holds anything else.
func (w *writing) mayWrite() error {
	last, err := Read(w.dir)
	switch {
	case err == nil && (last.Leader != w.manifest.Leader || last.Cluster != w.manifest.Cluster):
		return fmt.Errorf("%s has a backup of leader %s of cluster %s: take that of %s of %s into a directory of its own", w.dir, last.Leader, last.Cluster, w.manifest.Leader, w.manifest.Cluster)
	case err == nil || Unfinished(w.dir):
		return nil
	case !errors.Is(err, ErrNone):
		return fmt.Errorf("%w: take the backup into another directory", err)
	}
	return empty(w.dir, disk.LockFile)
}

// empty refuses a directory that has anything but these names.
func empty(dir string, but ...string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range all {
		if !slices.Contains(but, e.Name()) {
			return fmt.Errorf("%s is not empty, it has %q: name a directory that is empty or absent", dir, e.Name())
		}
	}
	return nil
}

func (w *writing) all(ctx context.Context, files []File) error {
	for _, f := range files {
		if !f.valid() {
			return fmt.Errorf("a file of the name %.64q is no file of a store", f.Name)
		}
		w.done.Files++
		w.done.Bytes += f.Bytes
		kept, err := w.has(ctx, &f)
		if err == nil && !kept {
			err = w.copy(ctx, &f)
		}
		if err != nil {
			return err
		}
		w.manifest.Files = append(w.manifest.Files, f)
		if w.tell != nil {
			w.tell(w.done)
		}
	}
	return nil
}

// has reports whether the file is kept already. Only where one of its name is, the leader
// is asked for its checksum.
func (w *writing) has(ctx context.Context, f *File) (bool, error) {
	same, err := filepath.Glob(filepath.Join(w.dir, filesDir, filepath.Base(f.Name)+"-*.zst"))
	if err != nil || len(same) == 0 {
		return false, err
	}
	if f.Sum, err = w.from.Sum(ctx, f.Name); err != nil {
		return false, err
	}
	if !f.valid() || f.Sum == "" {
		return false, fmt.Errorf("the leader answered the checksum %.64q", f.Sum)
	}
	info, err := os.Stat(f.keptAs(w.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		f.Kept = info.Size()
	}
	return err == nil, err
}

// copy fetches a file. It has its name when it is whole and durable.
func (w *writing) copy(ctx context.Context, f *File) error {
	out, err := os.CreateTemp(filepath.Join(w.dir, filesDir), "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) // it has another name by then, if all went well
	sum := sha256.New()
	err = w.fetch(ctx, f, out, sum)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	f.Sum = hex.EncodeToString(sum.Sum(nil))
	info, err := os.Stat(out.Name())
	if err != nil {
		return err
	}
	f.Kept = info.Size()
	w.done.New++
	w.done.NewBytes += f.Bytes
	w.done.Kept += f.Kept
	return os.Rename(out.Name(), f.keptAs(w.dir))
}

func (w *writing) fetch(ctx context.Context, f *File, to io.Writer, sum hash.Hash) error {
	z, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	for at := int64(0); at < f.Bytes; {
		b, err := w.from.Read(ctx, f.Name, at)
		if err == nil && (len(b) == 0 || int64(len(b)) > f.Bytes-at) {
			err = fmt.Errorf("the leader answered %d bytes of %s at %d of %d", len(b), f.Name, at, f.Bytes)
		}
		if err == nil {
			_, _ = sum.Write(b) // a hash takes everything
			_, err = z.Write(b)
		}
		if err != nil {
			return errors.Join(err, z.Close())
		}
		at += int64(len(b))
	}
	return z.Close()
}

// end makes the backup the one that the directory has, and removes what only the last had.
func (w *writing) end() error {
	dir := filepath.Join(w.dir, filesDir)
	if err := file.SyncDir(dir); err != nil {
		return err
	}
	if err := w.manifest.write(w.dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(w.dir, unfinishedFile)); err != nil {
		return err
	}
	used := map[string]bool{}
	for _, f := range w.manifest.Files {
		used[f.keptAs(w.dir)] = true
	}
	all, err := os.ReadDir(dir)
	for _, e := range all {
		if path := filepath.Join(dir, e.Name()); err == nil && !used[path] && (strings.HasSuffix(path, ".zst") || strings.HasPrefix(e.Name(), "new-")) {
			err = os.Remove(path)
		}
	}
	return errors.Join(err, file.SyncDir(w.dir))
}
