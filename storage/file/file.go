// Package file replaces files whole: after a crash, and to every reader, a file holds
// its old content or its new one. It is for the small files beside a store; the store
// itself writes through pebble's file system.
package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Replace puts content in the place of what a file holds, and returns once both the
// file and its entry in the folder are on the disk. The file then has that mode. A
// link stays and leads to the file. What is no regular file, such as a device or a
// pipe, is written to as it is.
func Replace(path string, content []byte, mode fs.FileMode) error {
	path, err := Target(path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeThrough(path, content)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600 from the beginning
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(filepath.Dir(path))
}

func writeThrough(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// SyncDir makes what was created, renamed and removed in a folder outlast a crash.
// Windows has no such call; there the journal of the file system keeps the order.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// maxLinks is how many links in a row are followed, as many as Linux follows.
const maxLinks = 40

// Target is the file that a path names once links are followed. The file need not
// be there, but what leads to it must.
func Target(path string) (string, error) {
	for range maxLinks {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		var to string
		if err == nil {
			to, err = os.Readlink(path)
		}
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "follow", Path: path, Err: errors.New("too many links")}
}

// MaxName is the longest plain name, in bytes.
const MaxName = 64

// PlainName reports whether a name can stand in commands and be the name of a file on
// every system: ASCII letters, digits, dots, underscores and hyphens, at most 64 bytes,
// neither hidden nor taken for a flag.
func PlainName(name string) bool {
	return name != "" && len(name) <= MaxName && name[0] != '.' && name[0] != '-' && strings.IndexFunc(name, odd) < 0
}

func odd(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
}
