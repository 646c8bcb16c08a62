package cliutil

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"
)

// CheckFile refuses, before anything is read or played, a file that a flag asks for and that
// could not be written. Example is a name for one.
func CheckFile(c *cli.Context, flag, example string) error {
	if !c.IsSet(flag) {
		return nil
	}
	path, next := c.String(flag), "name a file: --"+flag+" "+example
	if path == "" {
		return Usage("--"+flag+" names no file", "what it asks for is one file", next)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return Usage("--"+flag+" cannot write to "+path, "it is no regular file", next)
	}
	return nil
}

// WriteFile writes what a flag asks for: what says what that is. A file that could not be
// written to its end is removed.
func WriteFile(c *cli.Context, flag, what string, write func(io.Writer) error) error {
	path := c.String(flag)
	f, err := os.Create(path)
	if err != nil {
		return Fail("cannot write "+what, err, "--"+flag+" FILE names another place")
	}
	b := bufio.NewWriter(f)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return Fail("cannot write "+what, errors.Join(err, os.Remove(path)), "make room, or name another place with --"+flag+" FILE")
	}
	return nil
}
