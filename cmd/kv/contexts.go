package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func contextCommand() *cli.Command {
	specs := []invoke.Spec{
		{Name: "add", Usage: "add a context, or replace the one of its name", Args: "NAME [LEADER=]HOST:PORT...", Least: 1, Most: -1, Do: on(addContext),
			About: "Without addresses, the leader of -n is asked who the others are. --user, --password-file\nand --tls-ca are remembered by name; no password is.",
			Flags: []cli.Flag{&cli.BoolFlag{Name: "use", Usage: "use it from now on; the first one is used anyway"}}},
		{Name: "ls", Usage: "list the contexts", Least: 0, Most: 0, Do: on(listContexts)},
		{Name: "use", Usage: "use a context from now on", Args: "NAME", Least: 1, Most: 1, Do: on(useContext)},
		{Name: "rm", Usage: "forget a context", Args: "NAME", Least: 1, Most: 1, Do: on(removeContext)},
	}
	c := &cli.Command{Name: "context", Usage: "name clusters and say which one to use",
		Description: "Contexts are kept in $XDG_CONFIG_HOME/kvd/contexts.json, or below ~/.config."}
	for _, s := range specs {
		s.Under, s.Local = c.Name, true
		c.Subcommands = append(c.Subcommands, s.Command())
	}
	return c
}

func edit(k *call, change func(*contexts.Set) error) error {
	switch err := contexts.Edit(change); {
	case errors.Is(err, contexts.ErrUnknown):
		return cliutil.Usage(k.Subject(), err.Error(), "kv context ls names them")
	case err != nil:
		return cliutil.Fail(k.Subject(), err, "")
	}
	return nil
}

func addContext(k *call) error {
	c := contexts.Context{Name: k.Args().First(), User: k.String("user")}
	var err error
	if c.Leaders, err = k.named(k.Args().Tail()); err != nil {
		return err
	}
	if c.PasswordFile, err = absolute(k.String("password-file")); err != nil {
		return err
	}
	if c.TLSCA, err = absolute(k.String("tls-ca")); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return cliutil.Usage(k.Subject(), err.Error(), "kv context add NAME n1=HOST:PORT n2=HOST:PORT")
	}
	return edit(k, func(b *contexts.Set) error {
		b.Put(c)
		if k.Bool("use") || b.Current == "" {
			k.Say("context " + c.Name + " is in use now")
			return b.Use(c.Name)
		}
		return nil
	})
}

// absolute lets a path mean the same file from everywhere; an empty one stays.
func absolute(path string) (string, error) {
	switch path {
	case "":
		return "", nil
	case cliutil.Standard:
		return "", cliutil.Usage("a context remembers files by name", "standard input has none", "kv context add NAME HOST:PORT --password-file FILE")
	}
	return filepath.Abs(path)
}

// named reads [LEADER=]HOST:PORT; without any, the cluster is asked.
func (k *call) named(args []string) ([]contexts.Leader, error) {
	var all []contexts.Leader
	for i, arg := range args {
		name, addr, ok := strings.Cut(arg, "=")
		if !ok {
			name, addr = fmt.Sprintf("n%d", i+1), arg
		}
		all = append(all, contexts.Leader{Name: name, Addr: invoke.Address(addr)})
	}
	if len(args) > 0 {
		return all, nil
	}
	l, err := k.Leader()
	if err != nil {
		return nil, err
	}
	members, err := l.Members(k.Ctx())
	if client.Unknown(err) {
		return nil, cliutil.Usage(k.Subject(), "no address is given, and "+l.String()+" has no KVD.MEMBERS to ask", "kv context add NAME n1=HOST:PORT n2=HOST:PORT")
	}
	for _, m := range members {
		all = append(all, contexts.Leader{Name: m.Name, Addr: m.RESP})
	}
	return all, err
}

func listContexts(k *call) error {
	path, err := contexts.Path()
	if err != nil {
		return cliutil.Fail(k.Subject(), err, "set XDG_CONFIG_HOME to a folder")
	}
	b, err := contexts.Load(path)
	if err != nil {
		return err
	}
	if len(b.Contexts) == 0 {
		k.Say("there are no contexts; kv context add NAME HOST:PORT... adds one")
	}
	return show.PutList(k.Out, b.Contexts, func(c contexts.Context) show.Record { return show.Context(c, c.Name == b.Current) })
}

func useContext(k *call) error {
	return edit(k, func(b *contexts.Set) error { return b.Use(k.Args().First()) })
}

func removeContext(k *call) error {
	return edit(k, func(b *contexts.Set) error { return b.Remove(k.Args().First()) })
}
