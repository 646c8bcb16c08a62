package invoke

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
	"kvd/replica/client"
	"kvd/storage/file"
)

// Session is a session kept in a file between calls. It is one line of events:
// whoever opens it keeps others waiting until it is saved. One without a file
// remembers nothing.
type Session struct {
	*client.Session
	name, path string
	lock       *os.File
}

// OpenSession reads the session of that name, or begins it.
func OpenSession(name string) (*Session, error) {
	if !file.PlainName(name) {
		return nil, cliutil.Usage(fmt.Sprintf("%q is no name of a session", name), "it is the name of a file as well", "use letters, digits, dots, dashes and underscores")
	}
	dir, err := contexts.StateDir()
	if err != nil {
		return nil, cliutil.Fail("cannot keep a session", err, "set XDG_STATE_HOME to a folder")
	}
	s := &Session{Session: &client.Session{}, name: name, path: filepath.Join(dir, "sessions", name+".json")}
	if err := errors.Join(os.MkdirAll(filepath.Dir(s.path), 0o700), s.hold()); err != nil {
		return nil, cliutil.Fail("cannot keep session "+name, err, "set XDG_STATE_HOME to a folder that can be written")
	}
	if err := s.load(); err != nil {
		return nil, cliutil.Fail("cannot read session "+name, err, "begin another, or remove "+s.path)
	}
	return s, nil
}

// hold waits until nobody else has the session open.
func (s *Session) hold() error {
	f, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.lock = f
	return lockFile(f)
}

func (s *Session) load() error {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.Session, err = client.ParseSession(text)
	}
	return err
}

// Save writes the file, if there is news, and lets others have the session.
func (s *Session) Save() error {
	if s.lock == nil {
		return nil
	}
	defer s.lock.Close()
	if !s.HasChanged() {
		return nil
	}
	text, err := s.Encode()
	if err == nil {
		err = contexts.Replace(s.path, append(text, '\n'))
	}
	if err != nil {
		return cliutil.Fail("cannot keep session "+s.name, err, "what was done is done; the session does not know of it")
	}
	return nil
}

// On reports whether there is a session.
func (s *Session) On() bool { return s.lock != nil }
