package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/node"
	"kvd/storage/file"
)

func passwdCommand() *cli.Command {
	return &cli.Command{
		Name: "passwd", Usage: "print a line for --users-file",
		Description: "At a terminal the password is asked for twice and not shown; elsewhere it is the one\n" +
			"line of standard input. The line goes to standard output:\n" +
			"   kvd passwd ann >> users\n" +
			"   kvd passwd app --roles read,write --prefix cart: --prefix session: < secret >> users",
		ArgsUsage: "NAME", Action: passwd,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "roles", Usage: "let the user do what these `ROLES` may, of read, write and admin; without it, all of them"},
			&cli.StringSliceFlag{Name: "prefix", Usage: "and only with keys that begin with `TEXT` (repeatable); without it, with every key"},
		},
	}
}

const maxPassword = 4 << 10

func passwd(c *cli.Context) error {
	name := c.Args().First()
	if c.NArg() != 1 || !file.PlainName(name) {
		return cliutil.Usage("kvd passwd takes one name", "read: "+strings.Join(c.Args().Slice(), " "), "kvd passwd ann >> users; letters, digits, dots, dashes and underscores")
	}
	rights, err := rightsOf(c)
	if err != nil {
		return cliutil.Usage("these rights cannot be given", err.Error(), "kvd passwd "+name+" --roles read,write --prefix cart:")
	}
	password, err := readPassword(c.Context, c.App.Reader, c.App.ErrWriter, name)
	var hash string
	if err == nil {
		hash, err = node.HashPassword(password)
	}
	if errors.Is(err, errTypedInterrupt) {
		return err
	}
	if err != nil {
		return cliutil.Fail("no password was hashed", err, "kvd passwd "+name+" asks for it, or reads one line of standard input")
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s:%s%s\n", name, hash, rights)
	return err
}

// rightsOf is what follows the hash.
func rightsOf(c *cli.Context) (string, error) {
	prefixes := c.StringSlice("prefix")
	if !c.IsSet("roles") && len(prefixes) == 0 {
		return "", nil
	}
	if slices.Contains(prefixes, "") {
		return "", errors.New("an empty prefix is of every key; leave --prefix out for that")
	}
	roles := node.AllRoles()
	if c.IsSet("roles") {
		roles = c.String("roles")
	}
	return node.FormatRights(roles, prefixes)
}

// readPassword asks twice where somebody types, and takes one line where nobody does.
func readPassword(ctx context.Context, from io.Reader, talk io.Writer, name string) (string, error) {
	if f, ok := from.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return askTwice(ctx, f, talk, name)
	}
	text, err := cliutil.ReadAll(from, maxPassword, errors.New("it is too long"))
	if err != nil {
		return "", err
	}
	// One line end at its end is the file's, not the password's.
	password := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if strings.ContainsAny(password, "\r\n") {
		return "", errors.New("there is more than one line; a password is one")
	}
	return password, nil
}

// askTwice shows nothing of what is typed. Whoever interrupts it finds the terminal as
// it was.
func askTwice(ctx context.Context, terminal *os.File, talk io.Writer, name string) (string, error) {
	var typed [2]string
	for i, prompt := range []string{"Password for " + name + ": ", "The same again: "} {
		fmt.Fprint(talk, prompt)
		var err error
		typed[i], err = hidden(ctx, terminal)
		fmt.Fprintln(talk)
		if errors.Is(err, io.EOF) { // Ctrl-D
			return "", errors.New("the input ended before a password was typed")
		}
		if err != nil {
			return "", err
		}
	}
	switch {
	case len(typed[0]) > maxPassword:
		return "", errors.New("it is too long")
	case typed[0] != typed[1]:
		return "", errors.New("the two are not the same")
	}
	return typed[0], nil
}

// hidden reads a line without showing it. A read of a terminal cannot be ended, so it
// is left behind when the context ends: the process ends soon.
func hidden(ctx context.Context, f *os.File) (string, error) {
	before, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return "", err
	}
	defer term.Restore(int(f.Fd()), before)
	text, err := cliutil.Await(ctx, func() ([]byte, error) { return typedLine(f) })
	return string(text), err
}

// What a terminal sends for keys that do something, where it leaves that to the program.
const (
	keyInterrupt = 3 // Ctrl-C
	keyEnd       = 4 // Ctrl-D
	keyBackspace = 8
	keyKill      = 21 // Ctrl-U
	keyDelete    = 127
)

// errTypedInterrupt is Ctrl-C.
var errTypedInterrupt = &cliutil.Problem{What: "interrupted", Why: "Ctrl-C asked for it", Next: "run it again; nothing was written", Code: cliutil.Interrupted}

// typedLine reads what is typed up to the end of the line. Ctrl-D on an empty line is
// io.EOF; x/term would go on waiting, since a terminal that has ended once may go on.
func typedLine(from io.Reader) (text []byte, err error) {
	key := make([]byte, 1)
	for {
		if _, err := io.ReadFull(from, key); err != nil {
			return nil, err
		}
		switch key[0] {
		case '\r', '\n':
			return text, nil
		case keyInterrupt:
			return nil, errTypedInterrupt
		case keyEnd:
			if len(text) == 0 {
				return nil, io.EOF
			}
		case keyKill:
			text = text[:0]
		case keyBackspace, keyDelete:
			_, n := utf8.DecodeLastRune(text)
			text = text[:len(text)-n]
		default:
			if text = append(text, key[0]); len(text) > maxPassword {
				return text, nil // which is refused for its length
			}
		}
	}
}
