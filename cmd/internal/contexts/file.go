package contexts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kvd/storage/file"
)

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

// onDisk is the file's layout.
type onDisk struct {
	Version  int       `json:"version"`
	Current  string    `json:"current,omitempty"`
	Contexts []Context `json:"contexts"`
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
	b := &Set{Current: d.Current, Contexts: d.Contexts}
	return b, b.Validate()
}

// Save replaces the file by what the set holds.
func Save(path string, b *Set) error {
	if err := b.Validate(); err != nil {
		return fmt.Errorf("write contexts: %w", err)
	}
	text, err := json.MarshalIndent(onDisk{version, b.Current, b.Contexts}, "", "  ")
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
