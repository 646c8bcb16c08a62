package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"kvd/storage/disk"
	"kvd/storage/file"
)

// Check reads all files of a backup and holds them to their checksums. It names every one
// that is damaged; the error is ctx's. Tell, which may be nil, is called after each.
func Check(ctx context.Context, dir string, m *Manifest, tell func(files int, bytes int64)) (damages []error, err error) {
	read := int64(0)
	for i, f := range m.Files {
		if err := f.unpack(ctx, dir, io.Discard); ctx.Err() != nil {
			return damages, ctx.Err()
		} else if err != nil {
			damages = append(damages, err)
		}
		if read += f.Bytes; tell != nil {
			tell(i+1, read)
		}
	}
	return damages, nil
}

// unpack writes what the file was to w. That it is not what it was is [disk.ErrDamaged],
// and known only in the end.
func (f *File) unpack(ctx context.Context, dir string, w io.Writer) error {
	path := f.keptAs(dir)
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", disk.ErrDamaged, err)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := zstd.NewReader(reader{ctx, in}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	sum := sha256.New()
	out := &sink{w: io.MultiWriter(w, sum)}
	n, err := io.Copy(out, io.LimitReader(z, f.Bytes+1))
	switch {
	case out.err != nil:
		return out.err
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %s: %w", disk.ErrDamaged, path, err)
	case n != f.Bytes || hex.EncodeToString(sum.Sum(nil)) != f.Sum:
		return fmt.Errorf("%w: %s does not have the checksum that %s says", disk.ErrDamaged, path, manifestFile)
	}
	return nil
}

// reader ends with a context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// sink remembers that writing failed, and not reading.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (n int, err error) {
	n, err = s.w.Write(p)
	s.err = err
	return n, err
}

// restoringFile is in a directory until a restore into it has ended.
const restoringFile = "restore.unfinished"

// Restoring reports whether a restore into the data directory was begun and has not ended.
func Restoring(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, restoringFile))
	return err == nil
}

// againLine ends what the file of an unfinished restore says; behind it are the names of what comes
// beside the store, a line each.
const againLine = ". kvd restore begins it again.\n"

// storeDir is where the store is in a data directory.
const storeDir = "store"

// Restore makes a store of the backup in from, below the data directory to, which is absent
// or empty, or has a restore that was not ended: that one is begun again. Examine is called
// with the store's directory before the restore counts as ended; its error keeps it from
// that. Beside the store come only the files that the backup names for it: nothing that says
// which leader it was, so that whoever starts it begins a new origin.
func Restore(ctx context.Context, from, to string, m *Manifest, tell func(files int, bytes int64), examine func(store string) error) error {
	if err := begin(to); err != nil {
		return disk.Advised(err)
	}
	store := filepath.Join(to, storeDir)
	text := fmt.Sprintf("A restore of the backup in %s was begun and has not ended%s%s\n", from, againLine, strings.Join(slices.Sorted(maps.Keys(m.Beside)), "\n"))
	err := file.Replace(filepath.Join(to, restoringFile), []byte(text), 0o600)
	if err == nil {
		err = os.RemoveAll(store)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Join(store, disk.LogDir), 0o700)
	}
	read := int64(0)
	for i, f := range m.Files {
		if err != nil {
			break
		}
		err = f.restore(ctx, from, store)
		if read += f.Bytes; tell != nil {
			tell(i+1, read)
		}
	}
	for name, text := range m.Beside {
		var lines bytes.Buffer
		if err == nil {
			err = json.Indent(&lines, append(text, '\n'), "", "  ")
		}
		if err == nil {
			err = file.Replace(filepath.Join(to, name), lines.Bytes(), 0o644)
		}
	}
	for _, dir := range []string{filepath.Join(store, disk.LogDir), store, to} {
		if err == nil {
			err = file.SyncDir(dir)
		}
	}
	if err == nil {
		err = examine(store)
	}
	if err == nil {
		err = errors.Join(os.Remove(filepath.Join(to, restoringFile)), file.SyncDir(to))
	}
	return disk.Advised(err)
}

// begin makes the directory, or refuses one that has anything.
func begin(to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	if !Restoring(to) {
		return empty(to)
	}
	text, err := os.ReadFile(filepath.Join(to, restoringFile))
	if err != nil {
		return err
	}
	// Of the backup that it was begun with, which may be another.
	_, names, _ := strings.Cut(string(text), againLine)
	beside := strings.FieldsFunc(names, func(r rune) bool { return r == '\n' })
	if err := empty(to, append(beside, restoringFile, storeDir)...); err != nil {
		return err
	}
	for _, name := range beside {
		if err := os.Remove(filepath.Join(to, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// restore makes a file of the store, durably.
func (f *File) restore(ctx context.Context, from, store string) error {
	out, err := os.OpenFile(filepath.Join(store, filepath.FromSlash(f.Name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	err = f.unpack(ctx, from, out)
	return errors.Join(err, out.Sync(), out.Close())
}
