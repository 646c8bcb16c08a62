package invoke

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
	"kvd/replica/client"
)

// DefaultAddr is where a leader listens if nobody says otherwise.
const DefaultAddr = "127.0.0.1:6390"

const defaultTimeout = 5 * time.Second

// WaitTime is how long a command that waits for leaders does so, without --timeout.
const WaitTime = 30 * time.Second

// GlobalFlags are those of every command.
func GlobalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "node", Aliases: []string{"n"}, EnvVars: []string{"KV_NODE"}, Usage: "ask `LEADER`: host:port, or a name"},
		&cli.StringFlag{Name: "context", Aliases: []string{"c"}, EnvVars: []string{"KV_CONTEXT"}, Usage: "use the cluster called `NAME`"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, EnvVars: []string{"KV_OUTPUT"}, Usage: "print as `FORMAT`: text, table, json, jsonl or raw"},
		&cli.DurationFlag{Name: "timeout", Value: defaultTimeout, Usage: "give up on a leader after `DURATION`"},
		&cli.StringFlag{Name: "user", Usage: "log in as `NAME`"},
		&cli.StringFlag{Name: "password-file", Usage: "read the password from `FILE`, - being standard input; else it is KV_PASSWORD"},
		&cli.StringFlag{Name: "tls-ca", Usage: "speak TLS, and trust the certificates in `FILE`"},
		&cli.BoolFlag{Name: "no-color", Usage: "no colour, as with NO_COLOR"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no talk on standard error, failures excepted"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say which leader is asked what"},
	}
}

// Settings is what the user said, from flags, environment and context.
type Settings struct {
	Node    string            // as given; empty: not given
	Chosen  *contexts.Context // nil: none applies
	Timeout time.Duration
	Login   client.Login
	Quiet   bool
	verbose bool
}

// read gathers the settings: flag, then environment, then context, then default.
// A local command has no context.
func read(c *cli.Context, local bool) (*Settings, error) {
	s := &Settings{
		Node: strings.Join(c.StringSlice("node"), ","), Timeout: c.Duration("timeout"), Quiet: c.Bool("quiet"), verbose: c.Bool("verbose"),
	}
	if s.Timeout <= 0 {
		return nil, cliutil.Usage(fmt.Sprintf("--timeout %s is no time to wait", s.Timeout), "it must be above zero", "kv "+c.Command.Name+" --timeout 10s")
	}
	if !local {
		if err := s.findContext(c.String("context")); err != nil {
			return nil, err
		}
	}
	if err := s.findLogin(c); err != nil {
		return nil, err
	}
	if s.Login.User != "" && s.Login.Password == "" && !local {
		return nil, cliutil.Usage("user "+s.Login.User+" has no password", "a user logs in with one", "--password-file FILE, or KV_PASSWORD in the environment")
	}
	return s, nil
}

// findContext chooses the context. The one in use says nothing about an address
// that is not among its leaders: its password would go astray.
func (s *Settings) findContext(name string) error {
	path, err := contexts.Path()
	if err != nil {
		return nil // nowhere to look, so there is none
	}
	set, err := contexts.Load(path)
	if err != nil {
		return cliutil.Fail("cannot read the contexts", err, "kv context ls --help says where they are kept")
	}
	named := name != ""
	if name = cmp.Or(name, set.Current); name == "" {
		return nil
	}
	ctx, err := set.Get(name)
	if err != nil {
		return cliutil.Usage(fmt.Sprintf("unknown context %q", name), err.Error(), cliutil.DidYouMean(cliutil.Nearest(name, set.Names()), "kv context ls names them"))
	}
	if named || s.fits(ctx) {
		s.Chosen = ctx
	}
	return nil
}

// fits reports whether every address given is one of the context's.
func (s *Settings) fits(c *contexts.Context) bool {
	for part := range strings.SplitSeq(s.Node, ",") {
		if strings.Contains(part, ":") && among(c.Leaders, Address(part)) == nil {
			return false
		}
	}
	return true
}

// among finds a leader by name or address; nil: none.
func among(all []contexts.Leader, nameOrAddr string) *contexts.Leader {
	for i := range all {
		if all[i].Name == nameOrAddr || all[i].Addr == nameOrAddr {
			return &all[i]
		}
	}
	return nil
}

func (s *Settings) findLogin(c *cli.Context) error {
	in := contexts.Context{}
	if s.Chosen != nil {
		in = *s.Chosen
	}
	s.Login.User = cmp.Or(c.String("user"), in.User)
	password, err := password(c, in.PasswordFile)
	if err != nil {
		return cliutil.Fail("cannot read the password", err, "--password-file FILE, or KV_PASSWORD in the environment")
	}
	s.Login.Password = password
	if path := cmp.Or(c.String("tls-ca"), in.TLSCA); path != "" {
		if s.Login.TLS, err = trusting(path); err != nil {
			return cliutil.Fail("cannot speak TLS", err, "--tls-ca FILE names the authority's certificate in PEM")
		}
	}
	return nil
}

// password is the first that is given: by the flag's file, the environment, the
// context's file. One line end at its end is the file's, not the password's.
func password(c *cli.Context, context string) (string, error) {
	flag := c.String("password-file")
	if text := os.Getenv("KV_PASSWORD"); flag == "" && text != "" {
		return text, nil
	}
	path := cmp.Or(flag, context)
	if path == "" {
		return "", nil
	}
	text, err := readWord(c, path)
	if err != nil {
		return "", err
	}
	word := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if word == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return word, nil
}

// maxPassword bounds what is read of standard input.
const maxPassword = 4 << 10

// readWord reads a password's file; - is standard input.
func readWord(c *cli.Context, path string) ([]byte, error) {
	if path != cliutil.Standard {
		return os.ReadFile(path)
	}
	return cliutil.ReadAll(c.App.Reader, maxPassword, errors.New("what is on standard input is too long for a password"))
}

func trusting(path string) (*tls.Config, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New(path + " has no certificate in PEM")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
