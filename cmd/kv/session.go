package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
	"kvd/replica"
	"kvd/replica/resp/token"
	"kvd/storage/file"
)

// session is what a user has seen, kept in a file between calls: a frontier with
// its clocks, and of each key what the user was shown of it last. It is one line
// of events: whoever opens it keeps others waiting until it is saved. The zero
// session remembers nothing.
type session struct {
	name, path string
	lock       *os.File
	seen       replica.Token
	shown      []token.Token // keyed, the newest last
	changed    bool
}

// maxShown is how many keys a session remembers, the newest ones. A write to
// another key goes over what the leader shows.
const maxShown = 256

// stored is the file's layout. Tokens say which key they are of.
type stored struct {
	Version int      `json:"version"`
	Seen    string   `json:"seen"`
	Shown   []string `json:"shown"`
}

const sessionVersion = 1

// openSession reads the session of that name, or begins it.
func openSession(name string) (*session, error) {
	if !file.PlainName(name) {
		return nil, cliutil.Usage(fmt.Sprintf("%q is no name of a session", name), "it is the name of a file as well", "use letters, digits, dots, dashes and underscores")
	}
	dir, err := contexts.StateDir()
	if err != nil {
		return nil, cliutil.Fail("cannot keep a session", err, "set XDG_STATE_HOME to a folder")
	}
	s := &session{name: name, path: filepath.Join(dir, "sessions", name+".json")}
	if err := errors.Join(os.MkdirAll(filepath.Dir(s.path), 0o700), s.hold()); err != nil {
		return nil, cliutil.Fail("cannot keep session "+name, err, "set XDG_STATE_HOME to a folder that can be written")
	}
	if err := s.load(); err != nil {
		return nil, cliutil.Fail("cannot read session "+name, err, "begin another, or remove "+s.path)
	}
	return s, nil
}

// hold waits until nobody else has the session open.
func (s *session) hold() error {
	f, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	s.lock = f
	return alone(f)
}

func (s *session) load() error {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var in stored
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err == nil && in.Version != sessionVersion {
		err = fmt.Errorf("it has version %d, and this program reads version %d", in.Version, sessionVersion)
	}
	if err != nil {
		return err
	}
	seen, err := token.Parse(in.Seen)
	if err != nil {
		return err
	}
	s.seen = seen.Seen
	for _, t := range in.Shown {
		shown, err := token.Parse(t)
		if err != nil {
			return err
		}
		s.shown = append(s.shown, shown)
	}
	return nil
}

// save writes the file, if there is news, and lets others have the session.
func (s *session) save() error {
	if s.lock == nil {
		return nil
	}
	defer s.lock.Close()
	if !s.changed {
		return nil
	}
	out := stored{Version: sessionVersion, Seen: token.Token{Seen: s.seen}.String(), Shown: []string{}}
	for _, t := range s.shown {
		t.Seen = replica.Token{} // the session's own stands for all of them
		out.Shown = append(out.Shown, t.String())
	}
	text, err := marshal(out)
	if err == nil {
		err = contexts.Replace(s.path, append(text, '\n'))
	}
	if err != nil {
		return cliutil.Fail("cannot keep session "+s.name, err, "what was done is done; the session does not know of it")
	}
	return nil
}

// on reports whether there is a session.
func (s *session) on() bool { return s.lock != nil }

// token is what to send with a command on a key: what the session has seen, and
// what it was shown of the key, if it was. Empty: it has seen nothing.
func (s *session) token(key string) string {
	if i := s.find(key); i >= 0 {
		t := s.shown[i]
		t.Seen = s.seen
		return t.String()
	}
	return s.seenToken()
}

// seenToken is the token of everything seen, of no key. Empty: nothing.
func (s *session) seenToken() string {
	if s.seen.Frontier.Len() == 0 {
		return ""
	}
	return token.Token{Seen: s.seen}.String()
}

func (s *session) find(key string) int {
	return slices.IndexFunc(s.shown, func(t token.Token) bool { return t.Key == key })
}

// saw adds what a token has seen, and nothing about its key.
func (s *session) saw(token string) error {
	_, err := s.merge(token)
	return err
}

// shownBy adds what a token has seen, and what it was shown of its key.
func (s *session) shownBy(token string) error {
	t, err := s.merge(token)
	if err != nil || !t.Keyed {
		return err
	}
	s.forget(t.Key)
	if s.shown = append(s.shown, t); len(s.shown) > maxShown {
		s.shown = s.shown[len(s.shown)-maxShown:]
	}
	return nil
}

func (s *session) merge(text string) (token.Token, error) {
	if !s.on() {
		return token.Token{}, nil
	}
	t, err := token.Parse(text)
	if err != nil {
		return t, fmt.Errorf("the leader's answer has no token to remember: %w", err)
	}
	s.seen = s.seen.Join(t.Seen)
	s.changed = true
	return t, nil
}

// forget lets go of what was shown of a key.
func (s *session) forget(key string) {
	if i := s.find(key); i >= 0 {
		s.shown, s.changed = slices.Delete(s.shown, i, i+1), true
	}
}

// caughtUp waits until the leader has what the session has seen.
func (k *call) caughtUp(l *leader) error {
	token := k.session.seenToken()
	if token == "" {
		return nil
	}
	return l.waitFor(k.ctx(), token, k.timeout)
}

// noted adds all that the leader has applied by now to what the session has seen.
// That is more than it was shown, and so only makes it wait longer elsewhere.
func (k *call) noted(l *leader) error {
	if !k.session.on() {
		return nil
	}
	r, err := l.do(k.ctx(), "KVD.TOKEN")
	if err != nil {
		return err
	}
	return k.session.saw(r.text)
}
