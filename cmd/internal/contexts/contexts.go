package contexts

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"kvd/replica/client"
	"kvd/storage/file"
)

// ErrUnknown is wrapped when no context has the name asked for.
var ErrUnknown = errors.New("no context of that name")

const version = 1

// Leader is one leader as clients reach it.
type Leader = client.Node

// Context is one cluster and how to log in there.
type Context struct {
	Name         string   `json:"name"`
	Leaders      []Leader `json:"leaders"` // the first is asked when none is named
	User         string   `json:"user,omitempty"`
	PasswordFile string   `json:"passwordFile,omitempty"`
	TLSCA        string   `json:"tlsCA,omitempty"` // a PEM file; empty: no TLS
}

// Set is everything the file holds. The zero Set is empty and valid.
type Set struct {
	Current  string // empty: none is in use
	Contexts []Context
}

// Get is the context of that name. It shares memory with the set. The error
// wraps ErrUnknown.
func (b *Set) Get(name string) (*Context, error) {
	if i := b.find(name); i >= 0 {
		return &b.Contexts[i], nil
	}
	return nil, fmt.Errorf("context %q: %w; known: %s", name, ErrUnknown, cmp.Or(strings.Join(b.Names(), ", "), "none"))
}

// Names is the contexts' names, sorted.
func (b *Set) Names() []string {
	names := make([]string, 0, len(b.Contexts))
	for i := range b.Contexts {
		names = append(names, b.Contexts[i].Name)
	}
	slices.Sort(names)
	return names
}

// Put adds a context, or replaces the one of its name. The set keeps c's
// leaders.
func (b *Set) Put(c Context) {
	if i := b.find(c.Name); i >= 0 {
		b.Contexts[i] = c
		return
	}
	b.Contexts = append(b.Contexts, c)
	slices.SortFunc(b.Contexts, func(x, y Context) int { return cmp.Compare(x.Name, y.Name) })
}

// Use makes a context the one in use. The error wraps ErrUnknown.
func (b *Set) Use(name string) error {
	_, err := b.Get(name)
	if err == nil {
		b.Current = name
	}
	return err
}

// Remove forgets a context; if it was in use, none is. The error wraps
// ErrUnknown.
func (b *Set) Remove(name string) error {
	if _, err := b.Get(name); err != nil {
		return err
	}
	i := b.find(name)
	b.Contexts = slices.Delete(b.Contexts, i, i+1)
	if b.Current == name {
		b.Current = ""
	}
	return nil
}

func (b *Set) find(name string) int {
	return slices.IndexFunc(b.Contexts, func(c Context) bool { return c.Name == name })
}

// Validate names the first thing that is wrong.
func (b *Set) Validate() error {
	for i := range b.Contexts {
		if err := b.Contexts[i].Validate(); err != nil {
			return err
		}
		if b.find(b.Contexts[i].Name) != i {
			return fmt.Errorf("context %q is there twice; names tell contexts apart", b.Contexts[i].Name)
		}
	}
	if b.Current != "" && b.find(b.Current) < 0 {
		return fmt.Errorf("current context %q: %w; use one of %s", b.Current, ErrUnknown, strings.Join(b.Names(), ", "))
	}
	return nil
}

// Validate names the first thing that is wrong.
func (c *Context) Validate() error {
	if !file.PlainName(c.Name) {
		return fmt.Errorf("context name %q: use letters, digits, dots, dashes and underscores, at most %d", c.Name, file.MaxName)
	}
	if len(c.Leaders) == 0 {
		return fmt.Errorf("context %q has no leader; give at least one address", c.Name)
	}
	for i, l := range c.Leaders {
		if !file.PlainName(l.Name) {
			return fmt.Errorf("context %q: leader name %q: use letters, digits, dots, dashes and underscores, at most %d", c.Name, l.Name, file.MaxName)
		}
		if _, port, err := net.SplitHostPort(l.Addr); err != nil || port == "" {
			return fmt.Errorf("context %q: leader %s: %q is no host:port", c.Name, l.Name, l.Addr)
		}
		if slices.IndexFunc(c.Leaders, func(o Leader) bool { return o.Name == l.Name }) != i {
			return fmt.Errorf("context %q: leader %s is there twice", c.Name, l.Name)
		}
	}
	return nil
}
