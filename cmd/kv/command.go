package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/resolve/limits"
)

// spec is a command: what it is called, what it takes and what it does.
type spec struct {
	name, usage, args string
	under             string // the command it belongs to, if any
	about             string // beyond the usage line
	local             bool   // neither a context nor a login is needed
	writes            bool   // interrupted, it may have been done
	least, most       int    // arguments; most below zero: any number
	flags             []cli.Flag
	do                func(*call) error
}

func (s spec) command() *cli.Command {
	return &cli.Command{
		Name: s.name, Usage: s.usage, ArgsUsage: s.args, Description: s.about, Flags: s.flags,
		Action: func(c *cli.Context) error { return s.run(c) },
	}
}

// run does the command from reading settings to keeping the session.
func (s spec) run(c *cli.Context) error {
	if err := s.counts(c); err != nil {
		return err
	}
	k, err := s.begin(c)
	if err != nil {
		return err
	}
	defer k.close()
	stop := context.AfterFunc(c.Context, k.close) // a read that waits ends with its connection
	defer stop()
	err = s.do(k)
	if ended := errors.Join(k.out.end(), k.session.save()); err == nil {
		err = ended
	}
	if err != nil && s.writes && c.Context.Err() != nil {
		return &cliutil.Problem{What: "interrupted", Why: "a signal asked for it; whether the write was done is not known",
			Next: "look before it is written again", Code: cliutil.Interrupted}
	}
	return explain(k.subject(), err)
}

func (s spec) counts(c *cli.Context) error {
	n := c.NArg()
	if n >= s.least && (s.most < 0 || n <= s.most) {
		return nil
	}
	return cliutil.Usage(fmt.Sprintf("%s takes %s, not %d", s.path(), s.arity(), n),
		"read: "+cmp.Or(strings.Join(c.Args().Slice(), " "), "nothing"), strings.TrimSpace(s.path()+" "+s.args))
}

// path is how it is called.
func (s spec) path() string { return "kv " + strings.TrimSpace(s.under+" "+s.name) }

func (s spec) arity() string {
	switch {
	case s.most < 0:
		return fmt.Sprintf("at least %s", arguments(s.least))
	case s.least == s.most:
		return arguments(s.least)
	}
	return fmt.Sprintf("%d to %s", s.least, arguments(s.most))
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// call is one command on its way.
type call struct {
	*cli.Context
	*settings
	spec    spec
	out     *printer
	session *session // never nil; without --session it remembers nothing
	*crew
}

// begin reads what the user said.
func (s spec) begin(c *cli.Context) (*call, error) {
	k := &call{Context: c, spec: s, session: &session{}, crew: &crew{}}
	var err error
	if k.settings, err = read(c, s.local); err != nil {
		return nil, err
	}
	if k.out, err = newPrinter(c); err != nil {
		return nil, err
	}
	if name := c.String("session"); name != "" {
		k.session, err = openSession(name)
	}
	return k, err
}

// ctx ends when the user interrupts.
func (k *call) ctx() context.Context { return k.Context.Context }

// subject is what failed, if it fails: the command and the key.
func (k *call) subject() string {
	return strings.TrimSpace(strings.TrimPrefix(k.spec.path(), "kv ") + " " + brief(k.Args().First()))
}

// brief is enough of a text to know it by, safe on a terminal.
func brief(text string) string { return printable(cut(text)) }

// cut is a text that is not long, its end left out. It does not end within a rune.
func cut(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// say talks to the user, who may not want to hear it.
func (k *call) say(text string) {
	if !k.quiet {
		k.talk.Lock()
		defer k.talk.Unlock()
		fmt.Fprintf(k.App.ErrWriter, "kv: %s\n", text)
	}
}

// value is an argument, or standard input for "-".
func (k *call) value(arg string) (string, error) {
	if arg != cliutil.Standard {
		return arg, nil
	}
	if k.String("password-file") == cliutil.Standard {
		return "", cliutil.Usage("standard input is the password", "--password-file - and a value of - both want it", "--password-file FILE, or KV_PASSWORD in the environment")
	}
	text, err := io.ReadAll(io.LimitReader(k.App.Reader, limits.Value+1))
	if err == nil && len(text) > limits.Value {
		err = fmt.Errorf("it is longer than %d bytes, the limit for a value", limits.Value)
	}
	if err != nil {
		return "", cliutil.Fail("cannot read the value from standard input", err, "")
	}
	return string(text), nil
}
