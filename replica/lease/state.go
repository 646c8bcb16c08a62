package lease

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds. MaxBytes is of names and identities that are held at once, as Lock.bytes counts.
const (
	MaxName  = 1 << 10
	MaxID    = 128
	MaxBytes = 16 << 20
	overhead = 128 // of a lock beside its texts
)

// Bounds of how long a lease lasts without being renewed.
const (
	MinTTL = 100 * time.Millisecond
	MaxTTL = 24 * time.Hour
)

// Name is a lock's, any bytes.
type Name string

// MarshalText writes it so that any bytes come back the same.
func (n Name) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString([]byte(n))), nil
}

// UnmarshalText reads what MarshalText wrote.
func (n *Name) UnmarshalText(text []byte) error {
	b, err := base64.RawURLEncoding.DecodeString(string(text))
	*n = Name(b)
	return err
}

// Token is a fencing token. The zero Token is of no lease.
type Token struct {
	Epoch uint64 `json:"epoch"` // of the quorum: one that was made anew has a greater one
	Index uint64 `json:"index"` // of the entry that granted the lease
}

// String is the token as clients are told it: epoch.index.
func (t Token) String() string {
	return strconv.FormatUint(t.Epoch, 10) + "." + strconv.FormatUint(t.Index, 10)
}

// Less reports whether t was given before other.
func (t Token) Less(other Token) bool {
	return t.Epoch < other.Epoch || t.Epoch == other.Epoch && t.Index < other.Index
}

// ParseToken reads what String wrote.
func ParseToken(text string) (Token, error) {
	epoch, index, two := strings.Cut(text, ".")
	e, bad := strconv.ParseUint(epoch, 10, 64)
	i, worse := strconv.ParseUint(index, 10, 64)
	if t := (Token{e, i}); two && bad == nil && worse == nil && t.String() == text && e > 0 && i > 0 {
		return t, nil
	}
	return Token{}, fmt.Errorf("%.64q is no token of a lock; pass on what KVD.LOCK answered, such as 1.42", text)
}

// Lock is one that is held.
type Lock struct {
	Name     Name          `json:"name"`
	ID       string        `json:"id"` // of the acquire that was granted
	Token    Token         `json:"token"`
	TTL      time.Duration `json:"ttl"`
	Renewals uint64        `json:"renewals"`
}

func (l *Lock) bytes() int { return len(l.Name) + len(l.ID) + overhead }

// Kind is what an entry does.
type Kind uint8

// The kinds. Their numbers are in logs.
const (
	Acquire Kind = 1 + iota // Name, ID, TTL
	Renew                   // Name, Token, TTL
	Release                 // Name, Token; the zero Token: whoever holds it
	Expire                  // Name, Token, Renewals
)

// Entry is what a log has at an index. TTL must lie within the bounds above.
type Entry struct {
	Kind     Kind          `json:"kind"`
	Name     Name          `json:"name"`
	ID       string        `json:"id,omitempty"`
	Token    Token         `json:"token,omitzero"`
	TTL      time.Duration `json:"ttl,omitempty"`
	Renewals uint64        `json:"renewals,omitempty"`
}

// Code is how an entry went.
type Code uint8

// The codes.
const (
	Done  Code = 1 + iota // Lock is held by who asked, or was until now (Release, Expire)
	Held                  // by another: Lock
	NotIt                 // the lock is not held under this token; Lock is whose it is, if anybody's
	Full                  // so many locks are held that one more would exceed MaxBytes
)

// Result is what became of an entry.
type Result struct {
	Code  Code `json:"code"`
	Lock  Lock `json:"lock,omitzero"`
	Fresh bool `json:"fresh,omitempty"` // an Acquire was granted by this very entry
}

// State is the locks that are held. It is one goroutine's at a time.
type State struct {
	epoch uint64
	locks map[Name]Lock
	bytes int
}

// New is no locks held, in the epoch.
func New(epoch uint64) *State { return &State{epoch: epoch, locks: map[Name]Lock{}} }

// Apply is what an entry does, which stands in the log at that index.
func (s *State) Apply(index uint64, e Entry) Result {
	was, held := s.locks[e.Name]
	switch {
	case e.Kind == Acquire && held && was.ID == e.ID:
		return Result{Code: Done, Lock: was}
	case e.Kind == Acquire && held:
		return Result{Code: Held, Lock: was}
	case e.Kind == Acquire:
		return s.grant(Lock{Name: e.Name, ID: e.ID, Token: Token{s.epoch, index}, TTL: e.TTL})
	case !held, was.Token != e.Token && (e.Kind != Release || e.Token != Token{}):
		return Result{Code: NotIt, Lock: was}
	case e.Kind == Renew:
		was.TTL = e.TTL
		was.Renewals++
		s.locks[e.Name] = was
		return Result{Code: Done, Lock: was}
	case e.Kind == Expire && was.Renewals != e.Renewals:
		return Result{Code: NotIt, Lock: was}
	}
	delete(s.locks, e.Name)
	s.bytes -= was.bytes()
	return Result{Code: Done, Lock: was}
}

func (s *State) grant(l Lock) Result {
	if s.bytes+l.bytes() > MaxBytes {
		return Result{Code: Full}
	}
	s.locks[l.Name] = l
	s.bytes += l.bytes()
	return Result{Code: Done, Lock: l, Fresh: true}
}

// Get is the lock of a name, if it is held.
func (s *State) Get(name Name) (Lock, bool) {
	l, held := s.locks[name]
	return l, held
}

// Len is how many locks are held, and Bytes what they take.
func (s *State) Len() int   { return len(s.locks) }
func (s *State) Bytes() int { return s.bytes }

// Locks lists what is held, by name.
func (s *State) Locks() []Lock {
	all := make([]Lock, 0, len(s.locks))
	for _, name := range slices.Sorted(maps.Keys(s.locks)) {
		all = append(all, s.locks[name])
	}
	return all
}

// snapshot is a state as it is written.
type snapshot struct {
	Epoch uint64 `json:"epoch"`
	Locks []Lock `json:"locks"`
}

// Write writes a state of that epoch and those locks: equal states, equal bytes.
func Write(w io.Writer, epoch uint64, locks []Lock) error {
	return json.NewEncoder(w).Encode(snapshot{epoch, locks})
}

// Read reads what Write wrote.
func Read(r io.Reader) (*State, error) {
	var all snapshot
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		return nil, fmt.Errorf("read a snapshot of locks: %w", err)
	}
	s := New(all.Epoch)
	for _, l := range all.Locks {
		s.locks[l.Name] = l
		s.bytes += l.bytes()
	}
	return s, nil
}

// Epoch is the quorum's.
func (s *State) Epoch() uint64 { return s.epoch }
