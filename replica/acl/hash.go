package acl

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

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
)

// HashPassword is the second field of a users file's line.
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

// right reports whether the password is the one that was hashed. It takes long.
func (h hash) right(password string) bool {
	sum, err := h.of(password)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1
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
