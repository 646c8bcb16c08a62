package invoke

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// Spec is a command: what it is called, what it takes and what it does.
type Spec struct {
	Name, Usage, Args string
	Under             string // the command it belongs to, if any
	About             string // beyond the usage line
	Local             bool   // neither a context nor a login is needed
	Writes            bool   // interrupted, it may have been done
	Least, Most       int    // arguments; most below zero: any number
	Flags             []cli.Flag
	Do                func(*Call) error
}

// Command is the spec as urfave/cli takes it.
func (s Spec) Command() *cli.Command {
	return &cli.Command{
		Name: s.Name, Usage: s.Usage, ArgsUsage: s.Args, Description: s.About, Flags: s.Flags,
		Action: func(c *cli.Context) error { return s.run(c) },
	}
}

// run does the command from reading settings to keeping the session.
func (s Spec) run(c *cli.Context) error {
	if err := s.counts(c); err != nil {
		return err
	}
	k, err := s.begin(c)
	if err != nil {
		return err
	}
	defer k.Opened.Close()
	stop := context.AfterFunc(c.Context, k.Opened.Close) // a read that waits ends with its connection
	defer stop()
	err = s.Do(k)
	if ended := errors.Join(k.Out.End(), k.Session.Save()); err == nil {
		err = ended
	}
	if err != nil && s.Writes && c.Context.Err() != nil {
		return &cliutil.Problem{What: "interrupted", Why: "a signal asked for it; whether the write was done is not known",
			Next: "look before it is written again", Code: cliutil.Interrupted}
	}
	return Explain(k.Subject(), err)
}

func (s Spec) counts(c *cli.Context) error {
	n := c.NArg()
	if n >= s.Least && (s.Most < 0 || n <= s.Most) {
		return nil
	}
	return cliutil.Usage(fmt.Sprintf("%s takes %s, not %d", s.path(), s.arity(), n),
		"read: "+cmp.Or(strings.Join(c.Args().Slice(), " "), "nothing"), strings.TrimSpace(s.path()+" "+s.Args))
}

func (s Spec) path() string { return "kv " + strings.TrimSpace(s.Under+" "+s.Name) }

func (s Spec) arity() string {
	switch {
	case s.Most < 0:
		return "at least " + show.Count(s.Least, "argument")
	case s.Least == s.Most:
		return show.Count(s.Least, "argument")
	}
	return fmt.Sprintf("%d to %s", s.Least, show.Count(s.Most, "argument"))
}

// Call is one command on its way.
type Call struct {
	*cli.Context
	*Settings
	spec    Spec
	Out     *show.Printer
	Session *Session        // never nil; without --session it remembers nothing
	Opened  *client.Cluster // the leaders that are asked

	talk          sync.Mutex // one line at a time
	saidForgotten bool       // that some leaders are not asked because they are forgotten
	saidFar       time.Time  // when it was said last how far a leader is
}

func (s Spec) begin(c *cli.Context) (*Call, error) {
	k := &Call{Context: c, spec: s, Session: &Session{}}
	var err error
	if k.Settings, err = read(c, s.Local); err != nil {
		return nil, err
	}
	k.Opened = client.New(client.Options{Login: k.Login, Timeout: k.Timeout, Told: k.overhear()})
	if k.Out, err = show.New(c); err != nil {
		return nil, err
	}
	if name := c.String("session"); name != "" {
		k.Session, err = OpenSession(name)
	}
	return k, err
}

// Ctx ends when the user interrupts.
func (k *Call) Ctx() context.Context { return k.Context.Context }

// Subject is what failed, if it fails: the command and the key.
func (k *Call) Subject() string {
	return strings.TrimSpace(strings.TrimPrefix(k.spec.path(), "kv ") + " " + show.Brief(k.Args().First()))
}

// sayFar says how far a leader is, now and then.
func (k *Call) sayFar(l *client.Leader, percent int64) {
	const every = 5 * time.Second
	k.talk.Lock()
	due := time.Since(k.saidFar) >= every
	if due {
		k.saidFar = time.Now()
	}
	k.talk.Unlock()
	if due {
		k.Say(fmt.Sprintf("%s is at %d %%", l, percent))
	}
}

// overhear says what leaders are asked, if the user wants to know.
func (k *Call) overhear() func(l *client.Leader, cmd string, commands int, took time.Duration) {
	if !k.verbose {
		return nil
	}
	return func(l *client.Leader, cmd string, commands int, took time.Duration) {
		k.Say(fmt.Sprintf("%s: %s, %d in %s", l, cmd, commands, took.Round(time.Microsecond)))
	}
}

// Say talks to the user, who may not want to hear it.
func (k *Call) Say(text string) {
	if !k.Quiet {
		k.talk.Lock()
		defer k.talk.Unlock()
		fmt.Fprintf(k.App.ErrWriter, "kv: %s\n", text)
	}
}

// Value is an argument, or standard input for "-".
func (k *Call) Value(arg string) (string, error) {
	if arg != cliutil.Standard {
		return arg, nil
	}
	if k.String("password-file") == cliutil.Standard {
		return "", cliutil.Usage("standard input is the password", "--password-file - and a value of - both want it", "--password-file FILE, or KV_PASSWORD in the environment")
	}
	text, err := cliutil.ReadAll(k.App.Reader, client.MaxValue, fmt.Errorf("it is longer than %d bytes, the limit for a value", client.MaxValue))
	if err != nil {
		return "", cliutil.Fail("cannot read the value from standard input", err, "")
	}
	return string(text), nil
}
