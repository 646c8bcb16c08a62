package acl

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Users is who may come in, and with which password. It may be used from many
// goroutines.
type Users struct {
	nobody   hash     // what an unknown user's password is compared with
	key      [32]byte // of what is remembered of passwords
	throttle *throttle
	slow     func(hash, string) bool // hash.right

	mu    sync.Mutex
	table map[string]*entry // never changed in place
}

type entry struct {
	user *User
	hash hash
	good [sha256.Size]byte // the keyed hash of the last password that was right
	seen bool              // there is one
}

const maxUsers = 10_000

// ErrDenied is why somebody is not let in: which of name and password is wrong is
// not said.
var ErrDenied = errors.New("the user or the password is wrong")

// ReadUsers reads a users file. Empty lines and those that begin with # are passed
// over.
func ReadUsers(r io.Reader) (*Users, error) {
	table, err := readTable(r)
	u := &Users{throttle: newThrottle(), slow: hash.right, table: table}
	_, _ = rand.Read(u.key[:]) // never fails
	u.nobody = hash{rounds: rounds, salt: u.key[:16], sum: make([]byte, sha256.Size)}
	return u, err
}

// Adopt puts users that were read from a file in the place of those before. Whoever is
// not among them any more, or has another password, is revoked; whoever is has the rights
// that they have there from now on. They must not be used otherwise.
func (u *Users) Adopt(read *Users) {
	u.mu.Lock()
	defer u.mu.Unlock()
	fresh := read.table
	for name, old := range u.table {
		e, stays := fresh[name]
		if !stays || e.hash.String() != old.hash.String() {
			old.user.Revoke()
			continue
		}
		if was, is := old.user.Rights(), e.user.Rights(); was.Roles != is.Roles || !slices.Equal(was.Prefixes, is.Prefixes) {
			old.user.Change(*is)
		}
		fresh[name] = old
	}
	u.table = fresh
}

// Len is how many there are.
func (u *Users) Len() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.table)
}

func readTable(r io.Reader) (map[string]*entry, error) {
	table := map[string]*entry{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if table[e.user.name] != nil || len(table) == maxUsers {
			return nil, fmt.Errorf("line %d: user %s is there twice, or there are more than %d", n, e.user.name, maxUsers)
		}
		table[e.user.name] = e
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(table) == 0 {
		return nil, errors.New("there are no users in it; kvd passwd NAME prints a line for one")
	}
	return table, nil
}

// parseLine reads name:hash or name:hash:roles or name:hash:roles:prefixes.
func parseLine(line string) (*entry, error) {
	fields := strings.SplitN(line, ":", 4)
	if len(fields) < 2 || !plain(fields[0]) { // it may be a password: it is not repeated
		return nil, errors.New("it does not begin with a name of letters, digits, dots, dashes and underscores, and a colon")
	}
	h, err := parseHash(fields[1])
	if err != nil {
		return nil, fmt.Errorf("the password of %s cannot be read: %w", fields[0], err)
	}
	r := Rights{Roles: All}
	if len(fields) > 2 {
		if r.Roles, err = ParseRoles(fields[2]); err != nil {
			return nil, fmt.Errorf("the roles of %s: %w", fields[0], err)
		}
	}
	if len(fields) > 3 {
		if r.Prefixes, err = ParsePrefixes(fields[3]); err != nil {
			return nil, fmt.Errorf("the key prefixes of %s: %w", fields[0], err)
		}
	}
	return &entry{user: NewUser(fields[0], r), hash: h}, nil
}

// plain reports whether a user may have the name.
func plain(name string) bool {
	return name != "" && len(name) <= 64 && name[0] != '.' && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	})
}

// Login finds whose name and password these are. from is the address they came from,
// with or without a port. The first right answer takes the slow hash; it is then
// remembered under a key that dies with the process, so that nobody waits for it
// again. The error is ErrDenied, a *BusyError, or the context's.
func (u *Users) Login(ctx context.Context, name, password, from string) (*User, error) {
	quick := u.quick(name, password)
	if user := u.remembered(name, quick); user != nil {
		return user, nil
	}
	user, err := u.throttle.try(ctx, from,
		// Many clients of one program come at once: the first one's hash is enough.
		func() *User { return u.remembered(name, quick) },
		func() *User { return u.compare(name, password, quick) })
	if err == nil && user == nil {
		err = ErrDenied
	}
	return user, err
}

// quick is what is remembered of a password.
func (u *Users) quick(name, password string) [sha256.Size]byte {
	keyed := hmac.New(sha256.New, u.key[:])
	fmt.Fprintf(keyed, "%d:%s%s", len(name), name, password)
	return [sha256.Size]byte(keyed.Sum(nil))
}

// remembered is the user whose password was right before; nil: not that is known.
func (u *Users) remembered(name string, quick [sha256.Size]byte) *User {
	u.mu.Lock()
	defer u.mu.Unlock()
	e := u.table[name]
	if e == nil || !e.seen || subtle.ConstantTimeCompare(e.good[:], quick[:]) != 1 {
		return nil
	}
	return e.user
}

func (u *Users) compare(name, password string, quick [sha256.Size]byte) *User {
	u.mu.Lock()
	e := u.table[name]
	u.mu.Unlock()
	if e == nil {
		u.slow(u.nobody, password)
		return nil
	}
	if !u.slow(e.hash, password) {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	e.good, e.seen = quick, true
	return e.user // revoked, if the file has changed meanwhile
}
