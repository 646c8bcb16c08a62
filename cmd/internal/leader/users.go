package leader

import (
	"bufio"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"kvd/cmd/internal/contexts"
)

// Users are names and salted, slow hashes of passwords. Allow may be called from
// many goroutines.
type Users struct {
	hashes  map[string]hash
	nobody  hash // what an unknown user's password is compared with
	busy    chan struct{}
	session [32]byte // keys what is remembered

	mu    sync.Mutex
	known map[string][sha256.Size]byte // users whose password was right, keyed hash of it
}

// hash is PBKDF2 with HMAC-SHA-256: the slow hash of the standard library.
type hash struct {
	rounds    int
	salt, sum []byte
}

const (
	scheme    = "pbkdf2-sha256"
	rounds    = 600_000 // OWASP's advice for this scheme, 2023
	minRounds = 10_000
	maxRounds = 10_000_000
	maxUsers  = 10_000
)

// HashPassword is the second half of a users file's line.
func HashPassword(password string) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	h := hash{rounds: rounds, salt: make([]byte, 16)}
	_, _ = rand.Read(h.salt) // never fails
	sum, err := h.of(password)
	if err != nil {
		return "", err
	}
	h.sum = sum
	return h.String(), nil
}

func (h hash) of(password string) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password, h.salt, h.rounds, sha256.Size)
}

// String is scheme$rounds$salt$sum.
func (h hash) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("%s$%d$%s$%s", scheme, h.rounds, b.EncodeToString(h.salt), b.EncodeToString(h.sum))
}

func parseHash(text string) (hash, error) {
	var h hash
	parts := strings.Split(text, "$")
	if len(parts) != 4 || parts[0] != scheme {
		return h, fmt.Errorf("it is no %s hash; kvd passwd makes one", scheme)
	}
	var errs [3]error
	h.rounds, errs[0] = strconv.Atoi(parts[1])
	h.salt, errs[1] = base64.RawStdEncoding.DecodeString(parts[2])
	h.sum, errs[2] = base64.RawStdEncoding.DecodeString(parts[3])
	switch err := errors.Join(errs[:]...); {
	case err != nil:
		return h, err
	case h.rounds < minRounds || h.rounds > maxRounds || len(h.salt) < 8 || len(h.sum) != sha256.Size:
		return h, fmt.Errorf("%d rounds, %d bytes of salt and %d of hash; kvd passwd makes a proper one", h.rounds, len(h.salt), len(h.sum))
	}
	return h, nil
}

// ReadUsers reads lines of name:hash. Empty lines and those that begin with # are
// passed over.
func ReadUsers(r io.Reader) (*Users, error) {
	u := &Users{hashes: map[string]hash{}, known: map[string][sha256.Size]byte{}, busy: make(chan struct{}, runtime.GOMAXPROCS(0))}
	_, _ = rand.Read(u.session[:]) // never fails
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := u.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(u.hashes) == 0 {
		return nil, errors.New("there are no users in it; kvd passwd NAME prints a line for one")
	}
	u.nobody = hash{rounds: rounds, salt: u.session[:16], sum: make([]byte, sha256.Size)}
	return u, nil
}

func (u *Users) add(line string) error {
	name, text, ok := strings.Cut(line, ":")
	if !ok || !contexts.Plain(name) { // it may be a password: it is not repeated
		return errors.New("it does not begin with a name of letters, digits, dots, dashes and underscores, and a colon")
	}
	if _, twice := u.hashes[name]; twice || len(u.hashes) == maxUsers {
		return fmt.Errorf("user %s is there twice, or there are more than %d", name, maxUsers)
	}
	h, err := parseHash(text)
	if err != nil {
		return fmt.Errorf("the password of %s cannot be read: %w", name, err)
	}
	u.hashes[name] = h
	return nil
}

// Allow reports whether the password is the user's. The first right answer takes
// the slow hash; it is then remembered under a key that dies with the process. A
// user that does not exist takes as long as one that does.
func (u *Users) Allow(user, password string) bool {
	keyed := hmac.New(sha256.New, u.session[:])
	fmt.Fprintf(keyed, "%d:%s%s", len(user), user, password)
	quick := [sha256.Size]byte(keyed.Sum(nil))
	u.mu.Lock()
	was, ok := u.known[user]
	u.mu.Unlock()
	if ok && subtle.ConstantTimeCompare(was[:], quick[:]) == 1 {
		return true
	}
	if !u.compare(user, password) {
		return false
	}
	u.mu.Lock()
	u.known[user] = quick
	u.mu.Unlock()
	return true
}

// compare takes the slow hash, no more of them at once than there are
// processors.
func (u *Users) compare(user, password string) bool {
	u.busy <- struct{}{}
	defer func() { <-u.busy }()
	h, exists := u.hashes[user]
	if !exists {
		h = u.nobody
	}
	sum, err := h.of(password)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1 && exists
}

// sameText compares in a time that depends on the lengths alone.
func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
