package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"kvd/replica"
	"kvd/replica/resp/token"
)

// Session is what somebody has seen: a frontier with its clocks, and of each key what
// they were shown of it last. It goes with commands as a token, and learns from the
// tokens of answers. The zero session has seen nothing; nil is one that learns nothing
// either. One goroutine uses it.
type Session struct {
	Seen    replica.Token
	shown   []token.Token // keyed, the newest last
	changed bool
}

// MaxShown is how many keys a session remembers, the newest ones. A write to
// another key goes over what the leader shows.
const MaxShown = 256

// stored is a session's layout. Tokens say which key they are of.
type stored struct {
	Version int      `json:"version"`
	Seen    string   `json:"seen"`
	Shown   []string `json:"shown"`
}

const sessionVersion = 1

// ParseSession reads what encode wrote.
func ParseSession(text []byte) (*Session, error) {
	var in stored
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	if in.Version != sessionVersion {
		return nil, fmt.Errorf("it has version %d, and this program reads version %d", in.Version, sessionVersion)
	}
	seen, err := token.Parse(in.Seen)
	if err != nil {
		return nil, err
	}
	s := &Session{Seen: seen.Seen}
	for _, t := range in.Shown {
		shown, err := token.Parse(t)
		if err != nil {
			return nil, err
		}
		s.shown = append(s.shown, shown)
	}
	return s, nil
}

// Encode is the session as a line of JSON.
func (s *Session) Encode() ([]byte, error) {
	out := stored{Version: sessionVersion, Seen: token.Token{Seen: s.Seen}.String(), Shown: []string{}}
	for _, t := range s.shown {
		t.Seen = replica.Token{} // the session's own stands for all of them
		out.Shown = append(out.Shown, t.String())
	}
	return json.Marshal(out)
}

// HasChanged reports whether it knows more than it did when it began, or less.
func (s *Session) HasChanged() bool { return s.changed }

// Token is what to send with a command on a key: what the session has seen, and
// what it was shown of the key, if it was. Empty: it has seen nothing.
func (s *Session) Token(key string) string {
	if i := s.find(key); i >= 0 {
		t := s.shown[i]
		t.Seen = s.Seen
		return t.String()
	}
	return s.SeenToken()
}

// SeenToken is the token of everything seen, of no key. Empty: nothing.
func (s *Session) SeenToken() string {
	if s == nil || s.Seen.Frontier.Len() == 0 {
		return ""
	}
	return token.Token{Seen: s.Seen}.String()
}

// Knows reports whether it was shown the key.
func (s *Session) Knows(key string) bool { return s.find(key) >= 0 }

func (s *Session) find(key string) int {
	if s == nil {
		return -1
	}
	return slices.IndexFunc(s.shown, func(t token.Token) bool { return t.Key == key })
}

// Saw adds what a token has seen, and nothing about its key.
func (s *Session) Saw(text string) error {
	_, err := s.merge(text)
	return err
}

// ShownBy adds what a token has seen, and what it was shown of its key.
func (s *Session) ShownBy(text string) error {
	t, err := s.merge(text)
	if err != nil || !t.Keyed {
		return err
	}
	s.Forget(t.Key)
	if s.shown = append(s.shown, t); len(s.shown) > MaxShown {
		s.shown = s.shown[len(s.shown)-MaxShown:]
	}
	return nil
}

func (s *Session) merge(text string) (token.Token, error) {
	if s == nil {
		return token.Token{}, nil
	}
	t, err := token.Parse(text)
	if err != nil {
		return t, fmt.Errorf("the leader's answer has no token to remember: %w", err)
	}
	s.Seen = s.Seen.Join(t.Seen)
	s.changed = true
	return t, nil
}

// Forget lets go of what was shown of a key.
func (s *Session) Forget(key string) {
	if i := s.find(key); i >= 0 {
		s.shown, s.changed = slices.Delete(s.shown, i, i+1), true
	}
}

// CatchUp waits until the leader has what the session has seen. The error is a
// *Refusal.
func (s *Session) CatchUp(ctx context.Context, l *Leader) error {
	seen := s.SeenToken()
	if seen == "" {
		return nil
	}
	return l.WaitFor(ctx, seen, l.options.Timeout)
}

// Note adds all that the leader has applied by now to what the session has seen.
// That is more than it was shown, and so only makes it wait longer elsewhere.
func (s *Session) Note(ctx context.Context, l *Leader) error {
	if s == nil {
		return nil
	}
	r, err := l.Do(ctx, "KVD.TOKEN")
	if err != nil {
		return err
	}
	return s.Saw(r.Text)
}
