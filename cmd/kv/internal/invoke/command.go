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

// At lets a command that asks one leader have it.
func At(do func(*Call, *client.Leader) error) func(*Call) error {
	return func(k *Call) error {
		l, err := k.Leader()
		if err != nil {
			return err
		}
		return do(k, l)
	}
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

// Progress is a line for how far something is, which ClearProgress takes away. A user who
// wants no talk has none.
func (k *Call) Progress() cliutil.Progress {
	if k.Quiet {
		return cliutil.Progress{}
	}
	return cliutil.NewProgress(k.App.ErrWriter)
}

// ClearProgress takes the line of Progress away.
func (k *Call) ClearProgress() { cliutil.NewProgress(k.App.ErrWriter).Clear() }

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

// Explain turns what went wrong into what failed, why, and what to do next.
func Explain(subject string, err error) error {
	var p *cliutil.Problem
	if err == nil || errors.As(err, &p) {
		return err
	}
	p = &cliutil.Problem{What: subject, Why: err.Error()}
	r, ok := errors.AsType[*client.Refusal](err)
	if !ok {
		return p
	}
	p.What += " at " + r.By.String()
	p.Why = show.Reason(r.Err)
	if told, ok := client.Said(r.Err); ok {
		p.Code, p.Next = Judge(told, r.Cmd)
		return p
	}
	p.Code, p.Next = lost(r.Err)
	return p
}

// answered is the exit code and the way on by the first word of a leader's answer.
var answered = map[string]struct {
	code int
	next string
}{
	"NOAUTH":     {cliutil.Denied, "log in: --user NAME --password-file FILE, or KV_PASSWORD in the environment"},
	"WRONGPASS":  {cliutil.Denied, "--user NAME --password-file FILE, or KV_PASSWORD, with the right ones"},
	"NOPERM":     {cliutil.Denied, "ask as another user"},
	"CONFLICT":   {cliutil.Differs, "kv siblings KEY shows them, kv resolve KEY VALUE puts one value in their place"},
	"SIBLINGS":   {cliutil.Differs, "kv siblings KEY shows what is there; kv resolve, kv set and kv del go over all of it"},
	"BEHIND":     {cliutil.Unreachable, "a longer --timeout, or ask the leader that the session was last at"},
	"UNKNOWN":    {cliutil.Absent, ""},
	"FORGOTTEN":  {cliutil.Absent, ""},
	"BEATEN":     {cliutil.Differs, "ask again later, or at a leader whose clock is ahead; --force writes all the same"},
	"BUSY":       {cliutil.Unreachable, "try again soon: the leader counts for somebody else"},
	"NOLEDGER":   {cliutil.Unreachable, "-n another leader: this one writes no losses down (kvd serve --ledger off)"},
	"INDOUBT":    {cliutil.Unreachable, "the write is stored and will arrive; look, or send it again as the same request"},
	"CLOCKWIDE":  {cliutil.Unreachable, "kv clock says where the leader's error is from; a better --clock, a longer --acks-timeout, or another leader answers in time"},
	"NOREPLICAS": {cliutil.Unreachable, "kv members lists the leaders there are; a lower --acks, or another acks= of the policy, takes fewer"},
	"READONLY":   {cliutil.Unreachable, "-n another leader; reads go on here, and /health/ready of this leader says why as well"},
	"CLOCKWRONG": {cliutil.Unreachable, "-n another leader; kv clock shows how far the clock of this one is off, and its time service is to be mended"},
	"DOOMED":     {cliutil.Differs, "kv why KEY tells about the write that beats it, kv clock whose clock is wrong"},
	"NOQUORUM":   {cliutil.Unreachable, "kv members shows who is there"},
	"LOCKED":     {cliutil.Differs, "kv lock info NAME says for how long; WAIT waits"},
	"FENCED":     {cliutil.Differs, "take the lock again: what was read before may be old; kv lock info NAME says who holds it"},
	"UNREACHED":  {cliutil.Unreachable, "kv members shows who is there; --without NODE leaves a leader out that goes over when it returns"},
	"REFUSED":    {cliutil.Differs, "mend what is named, or give those keys another rule"},
	"LAGGING":    {cliutil.Unreachable, "kv status shows who lags; try again when nobody does"},
	"TRYAGAIN":   {cliutil.Unreachable, "try again soon, or -n another leader"},
	"LOADING":    {cliutil.Unreachable, "try again soon, or -n another leader"},
}

const voters = "kv admin quorum says who decides about locks: a majority of them must be there, and reach each other"

// withoutQuorum is the way on where no majority decides, by the command.
var withoutQuorum = map[string]string{
	"KVD.FORGET": "start those that are named, or name them with the others: kv admin forget NODE NODE",
	"KVD.QUORUM": "kv members lists the leaders there are; the first time all of them must be there, kv admin forget NODE leaves out one that is gone for ever",
	"KVD.LOCK":   voters, "KVD.RENEW": voters, "KVD.UNLOCK": voters, "KVD.LOCKINFO": voters, "KVD.FENCED": voters,
}

// Judge finds the exit code and the way on by a leader's answer.
func Judge(text, cmd string) (code int, next string) {
	word, _, _ := strings.Cut(text, " ")
	if next, ok := withoutQuorum[cmd]; ok && word == "NOQUORUM" {
		return cliutil.Unreachable, next
	}
	if known, ok := answered[word]; ok {
		return known.code, known.next
	}
	switch {
	case strings.HasPrefix(text, "ERR unknown command"):
		return cliutil.Failed, "this server has no " + cmd + "; a newer one may"
	case strings.HasPrefix(text, "ERR max number of clients"):
		return cliutil.Unreachable, "try again later, or -n another leader"
	}
	return cliutil.Failed, ""
}

// lost is the exit code and the way on when no answer came.
func lost(err error) (code int, next string) {
	switch {
	case client.Distrusted(err):
		return cliutil.Denied, "--tls-ca FILE names the authority to trust"
	case client.NoTLS(err):
		return cliutil.Unreachable, "the server seems to speak plain TCP: leave out --tls-ca"
	case client.LoginHeld(err):
		return cliutil.Denied, "--user NAME --password-file FILE, or KV_PASSWORD, with the right ones; then a longer --timeout, or later"
	case client.Late(err):
		return cliutil.Unreachable, "a longer --timeout, or -n another leader; whether a write was done is not known"
	case client.HungUp(err):
		return cliutil.Unreachable, "-n another leader; whether a write was done is not known. A server that speaks TLS needs --tls-ca"
	case client.Away(err):
		return cliutil.Unreachable, "is a leader running there? -n HOST:PORT names another; kv context ls knows addresses"
	}
	return cliutil.Failed, ""
}

// Absent is the failure of a command whose key is not there.
func (k *Call) Absent(what string) error {
	return &cliutil.Problem{What: k.Subject(), Why: what, Next: WhereKeysAre, Code: cliutil.Absent}
}

// WhereKeysAre is the way on where a key is not there.
const WhereKeysAre = "kv scan lists the keys there are"
