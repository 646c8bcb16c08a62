package contexts

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
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
	Current  string    `json:"current,omitempty"` // empty: none is in use
	Contexts []Context `json:"contexts"`
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

// Path is where the file is: in $XDG_CONFIG_HOME/kvd, or in .config/kvd of the
// home directory.
func Path() (string, error) {
	dir, err := folder("XDG_CONFIG_HOME", ".config")
	return filepath.Join(dir, "contexts.json"), err
}

// StateDir is where a client keeps what it remembers between calls: in
// $XDG_STATE_HOME/kvd, or in .local/state/kvd of the home directory.
func StateDir() (string, error) { return folder("XDG_STATE_HOME", ".local", "state") }

// folder is ours below the one that the variable names. Relative ones are to be
// ignored (XDG base directory specification).
func folder(variable string, otherwise ...string) (string, error) {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return filepath.Join(dir, "kvd"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("neither %s nor a home directory is known: %w", variable, err)
	}
	return filepath.Join(append(append([]string{home}, otherwise...), "kvd")...), nil
}

type onDisk struct {
	Version int `json:"version"`
	Set
}

// Load reads the file. One that is not there is an empty set.
func Load(path string) (*Set, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Set{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read contexts: %w", err)
	}
	b, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("read contexts: %s: %w; mend or remove the file", path, err)
	}
	return b, nil
}

func decode(text []byte) (*Set, error) {
	var d onDisk
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, err
	}
	if d.Version != version {
		return nil, fmt.Errorf("it has version %d, and this program reads version %d", d.Version, version)
	}
	return &d.Set, d.Validate()
}

// Save replaces the file by what the set holds.
func Save(path string, b *Set) error {
	if err := b.Validate(); err != nil {
		return fmt.Errorf("write contexts: %w", err)
	}
	text, err := json.MarshalIndent(onDisk{version, *b}, "", "  ")
	if err == nil {
		err = Replace(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write contexts: %w", err)
	}
	return nil
}

// Edit loads the file at Path, lets change work on it, and saves it. If change fails,
// nothing is written.
func Edit(change func(*Set) error) error {
	path, err := Path()
	if err != nil {
		return err
	}
	b, err := Load(path)
	if err == nil {
		err = change(b)
	}
	if err != nil {
		return err
	}
	return Save(path, b)
}

// Replace puts text in a file's place at once, for its owner alone, and makes
// the folders above it. A link stays, and leads to the file.
func Replace(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return file.Replace(path, text, 0o600)
}
