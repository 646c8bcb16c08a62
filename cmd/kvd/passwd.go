package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
	"kvd/cmd/internal/leader"
)

func passwdCommand() *cli.Command {
	return &cli.Command{
		Name: "passwd", Usage: "print a line for --users-file; the password is read from standard input",
		ArgsUsage: "NAME", Action: passwd,
	}
}

// maxPassword bounds what is read.
const maxPassword = 4 << 10

func passwd(c *cli.Context) error {
	name := c.Args().First()
	if c.NArg() != 1 || !contexts.Plain(name) {
		return cliutil.Usage("kvd passwd takes one name", "read: "+strings.Join(c.Args().Slice(), " "), "kvd passwd ann < secret >> users; letters, digits, dots, dashes and underscores")
	}
	text, err := io.ReadAll(io.LimitReader(c.App.Reader, maxPassword+1))
	if err == nil && len(text) > maxPassword {
		err = errors.New("it is too long")
	}
	// One line end at its end is the terminal's, not the password's.
	hash, hashErr := leader.HashPassword(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"))
	if err = errors.Join(err, hashErr); err != nil {
		return cliutil.Fail("no password was hashed", err, "kvd passwd "+name+" reads it from standard input")
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s:%s\n", name, hash)
	return err
}
