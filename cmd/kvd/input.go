package main

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

// copyInput makes a file of what can be read once only: standard input, a pipe.
// Who interrupts does not wait for more of it.
func copyInput(c *cli.Context, path string) (copied string, remove func(), err error) {
	f, err := os.CreateTemp("", "kvd-replay-*")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.Remove(f.Name()) } // the system clears its folder as well
	_, err = cliutil.Await(c.Context, func() (int64, error) {
		var n int64
		in, err := openInput(c, path)
		if err == nil {
			n, err = io.Copy(f, in)
			err = errors.Join(err, in.Close())
		}
		return n, errors.Join(err, f.Close())
	})
	if err != nil {
		remove()
		return "", nil, err
	}
	return f.Name(), remove, nil
}

// openInput opens what is to be read. Opening a pipe waits for somebody to write.
func openInput(c *cli.Context, path string) (io.ReadCloser, error) {
	if path == cliutil.Standard {
		return io.NopCloser(c.App.Reader), nil
	}
	return os.Open(path)
}

// readInput is all of it, for what is small.
func readInput(c *cli.Context, path string) ([]byte, error) {
	in, err := openInput(c, path)
	if err != nil {
		return nil, err
	}
	text, err := cliutil.ReadAll(in, maxInput, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is larger than 16 MiB")})
	return text, errors.Join(err, in.Close())
}

const maxInput = 16 << 20
