package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
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
	defer k.opened.Close()
	stop := context.AfterFunc(c.Context, k.opened.Close) // a read that waits ends with its connection
	defer stop()
	err = s.do(k)
	if ended := errors.Join(k.out.End(), k.session.save()); err == nil {
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
	out     *show.Printer
	session *keptSession    // never nil; without --session it remembers nothing
	opened  *client.Cluster // the leaders that are asked

	talk          sync.Mutex // one line at a time
	saidForgotten bool       // that some leaders are not asked because they are forgotten
	saidFar       time.Time  // when it was said last how far a leader is
}

// begin reads what the user said.
func (s spec) begin(c *cli.Context) (*call, error) {
	k := &call{Context: c, spec: s, session: unkept()}
	var err error
	if k.settings, err = read(c, s.local); err != nil {
		return nil, err
	}
	k.opened = k.cluster(k.overhear())
	if k.out, err = show.New(c); err != nil {
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
	return strings.TrimSpace(strings.TrimPrefix(k.spec.path(), "kv ") + " " + show.Brief(k.Args().First()))
}

// sayFar says how far a leader is, now and then.
func (k *call) sayFar(l *client.Leader, percent int64) {
	const every = 5 * time.Second
	k.talk.Lock()
	due := time.Since(k.saidFar) >= every
	if due {
		k.saidFar = time.Now()
	}
	k.talk.Unlock()
	if due {
		k.say(fmt.Sprintf("%s is at %d %%", l, percent))
	}
}

// overhear says what leaders are asked, if the user wants to know.
func (k *call) overhear() func(l *client.Leader, cmd string, commands int, took time.Duration) {
	if !k.verbose {
		return nil
	}
	return func(l *client.Leader, cmd string, commands int, took time.Duration) {
		k.say(fmt.Sprintf("%s: %s, %d in %s", l, cmd, commands, took.Round(time.Microsecond)))
	}
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
	text, err := io.ReadAll(io.LimitReader(k.App.Reader, client.MaxValue+1))
	if err == nil && len(text) > client.MaxValue {
		err = fmt.Errorf("it is longer than %d bytes, the limit for a value", client.MaxValue)
	}
	if err != nil {
		return "", cliutil.Fail("cannot read the value from standard input", err, "")
	}
	return string(text), nil
}
