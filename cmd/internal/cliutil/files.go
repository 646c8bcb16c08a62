package cliutil

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Standard names standard input where something is read, and standard output where
// something is written.
const Standard = "-"

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

// ReplaceFile puts text in the place of what a file holds, at once: a reader finds
// the old text or the new one. The file is then of that mode. Links stay, and lead
// to it; a device, or whatever else is no regular file, is written to.
func ReplaceFile(path string, text []byte, mode fs.FileMode) error {
	path, err := Target(path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeThrough(path, text)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600 from the beginning
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func writeThrough(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// Destination is where a file is wanted: either a regular file, or a stream.
type Destination struct {
	Path   string         // of the file, which may not be there yet; links are followed
	Stream io.WriteCloser // else: what takes the bytes as they come; the caller closes it
}

// ErrTerminal says that bytes would go to a terminal, which obeys some of them.
var ErrTerminal = errors.New("these bytes are not for a terminal")

// Toward finds out what a path names. Standard output, by whatever name, a device,
// a pipe: they are written to as they are. A regular file that is there may be
// replaced, and a disk written over, only by force; so may bytes go to a terminal.
// Opening a pipe waits until somebody reads.
func Toward(path string, stdout io.Writer, force bool) (Destination, error) {
	if path == Standard {
		return standard(stdout, force)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		to, err := Target(path)
		return Destination{Path: to}, err
	}
	if err != nil {
		return Destination{}, err
	}
	if f, ok := stdout.(*os.File); ok {
		if own, err := f.Stat(); err == nil && os.SameFile(own, info) {
			return standard(stdout, force)
		}
	}
	const disk = fs.ModeDevice | fs.ModeCharDevice
	switch mode := info.Mode(); {
	case mode.IsDir():
		return Destination{}, &fs.PathError{Op: "write", Path: path, Err: errors.New("it is a directory")}
	case !force && (mode.IsRegular() || mode&disk == fs.ModeDevice):
		return Destination{}, fmt.Errorf("%s is there already: %w", path, fs.ErrExist)
	case mode.IsRegular():
		to, err := Target(path)
		return Destination{Path: to}, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil && isTTY(f) && !force {
		return Destination{}, errors.Join(ErrTerminal, f.Close())
	}
	return Destination{Stream: f}, err
}

func standard(stdout io.Writer, force bool) (Destination, error) {
	if isTTY(stdout) && !force {
		return Destination{}, ErrTerminal
	}
	return Destination{Stream: unclosed{stdout}}, nil
}

// unclosed stays open for whoever else writes there.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
