package cliutil

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"kvd/storage/file"
)

// Standard names standard input where something is read, and standard output where
// something is written.
const Standard = "-"

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
		to, err := file.Target(path)
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
		to, err := file.Target(path)
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

// Await is what do gives, or the error of the context if that ends first: who interrupts
// does not wait for the other end of a pipe or a terminal. What do waits for is left
// behind then.
func Await[T any](ctx context.Context, do func() (T, error)) (T, error) {
	var found T
	done := make(chan error, 1)
	go func() {
		got, err := do()
		found = got
		done <- err
	}()
	select {
	case err := <-done:
		return found, err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// ReadAll is all there is to read, unless that is more than limit bytes: then the error is
// tooLong.
func ReadAll(r io.Reader, limit int, tooLong error) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(text) > limit {
		err = tooLong
	}
	return text, err
}
