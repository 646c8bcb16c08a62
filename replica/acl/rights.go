package acl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
)

// Roles is what a command needs of a user, or what a user has.
type Roles uint8

// The roles. Anyone is what a command needs that every user may give; no users file
// names it.
const (
	Read Roles = 1 << iota
	Write
	Admin
	Anyone

	All = Read | Write | Admin
)

var roleNames = []string{"read", "write", "admin"}

// Names is the roles that a users file can name, in a fixed order.
func (r Roles) Names() []string {
	var names []string
	for i, name := range roleNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String is the roles as a users file has them; "any" needs none of them.
func (r Roles) String() string {
	switch {
	case r == 0:
		return "none"
	case r&All == 0:
		return "any"
	}
	return strings.Join(r.Names(), ",")
}

// ParseRoles reads roles that are separated by commas. Each is named once, and one at
// least.
func ParseRoles(text string) (Roles, error) {
	var all Roles
	for name := range strings.SplitSeq(text, ",") {
		i := slices.Index(roleNames, name)
		switch {
		case i < 0:
			return 0, fmt.Errorf("%.64q is no role; they are %s, separated by commas", name, strings.Join(roleNames, ", "))
		case all&(1<<i) != 0:
			return 0, fmt.Errorf("the role %s is there twice", name)
		}
		all |= 1 << i
	}
	return all, nil
}

// Rights is what a user may do. Nobody changes them; nil stands for everything.
type Rights struct {
	Roles Roles
	// Prefixes is of the keys that the roles reach, ascending and none the beginning of
	// another, as ParsePrefixes gives them. None: every key.
	Prefixes []string
}

// May reports whether they include all roles that are needed.
func (r *Rights) May(need Roles) bool {
	return r == nil || need != 0 && r.Roles != 0 && need&^Anyone&^r.Roles == 0
}

// Everywhere reports whether they reach every key.
func (r *Rights) Everywhere() bool { return r == nil || len(r.Prefixes) == 0 }

// Reaches reports whether a key is among those that the roles reach.
func (r *Rights) Reaches(key string) bool { return r.Everywhere() || reaches(r.Prefixes, key) }

// ReachesBytes is Reaches for a key that is not a string yet.
func (r *Rights) ReachesBytes(key []byte) bool { return r.Everywhere() || reaches(r.Prefixes, key) }

// Reads reports whether what a key holds, and that it is there, may be shown.
func (r *Rights) Reads(key string) bool { return r.May(Read) && r.Reaches(key) }

// reaches finds the last prefix that is not behind the key: as none is the beginning
// of another, no other can be the key's.
func reaches[K string | []byte](prefixes []string, key K) bool {
	behind := sort.Search(len(prefixes), func(i int) bool { return prefixes[i] > string(key) })
	return behind > 0 && len(key) >= len(prefixes[behind-1]) && string(key[:len(prefixes[behind-1])]) == prefixes[behind-1]
}

// maxPrefixes bounds what one user's keys are described by.
const maxPrefixes = 1024

// ParsePrefixes reads prefixes that are separated by commas. They come out ascending,
// and those that another one covers are left out. Text that is empty is none, which
// reaches every key; an empty one among others would too and is refused.
func ParsePrefixes(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	all, err := splitPrefixes(text)
	if err != nil {
		return nil, err
	}
	if len(all) > maxPrefixes {
		return nil, fmt.Errorf("there are %d prefixes; a user may have %d", len(all), maxPrefixes)
	}
	slices.Sort(all)
	ascending := all[:0]
	for _, p := range all {
		if p == "" {
			return nil, errors.New("one of the prefixes is empty; leave all of them out for every key")
		}
		if n := len(ascending); n == 0 || !strings.HasPrefix(p, ascending[n-1]) {
			ascending = append(ascending, p)
		}
	}
	return ascending, nil
}

// splitPrefixes splits at commas that no backslash stands before.
func splitPrefixes(text string) ([]string, error) {
	var all []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ',':
			all = append(all, b.String())
			b.Reset()
		case c != '\\':
			b.WriteByte(c)
		default:
			literal, length, err := escaped(text[i:])
			if err != nil {
				return nil, err
			}
			b.WriteByte(literal)
			i += length - 1
		}
	}
	return append(all, b.String()), nil
}

// escaped is the byte that a text beginning with a backslash stands for, and how much
// of the text that takes.
func escaped(text string) (literal byte, length int, err error) {
	if len(text) >= 2 && (text[1] == ',' || text[1] == '\\') {
		return text[1], 2, nil
	}
	if len(text) >= 4 && text[1] == 'x' {
		if n, err := strconv.ParseUint(text[2:4], 16, 8); err == nil {
			return byte(n), 4, nil
		}
	}
	return 0, 0, errors.New(`a backslash stands before a comma, a backslash or x and two hexadecimal digits`)
}

// FormatPrefixes is prefixes as a users file has them.
func FormatPrefixes(prefixes []string) string {
	var all []string
	for _, p := range prefixes {
		var b strings.Builder
		for i := 0; i < len(p); i++ {
			switch c := p[i]; {
			case c == ',' || c == '\\':
				b.WriteString(`\` + string(c))
			case c <= ' ' || c == 0x7f:
				fmt.Fprintf(&b, `\x%02x`, c)
			default:
				b.WriteByte(c)
			}
		}
		all = append(all, b.String())
	}
	return strings.Join(all, ",")
}

// User is somebody who was let in. What they may do can change while they are
// connected; nil stands for everybody, at a leader without users. It may be used from
// many goroutines.
type User struct {
	name   string
	rights atomic.Pointer[Rights] // nil: revoked
}

// NewUser is a user of that name with rights.
func NewUser(name string, r Rights) *User {
	u := &User{name: name}
	u.rights.Store(&r)
	return u
}

// Name is the user's.
func (u *User) Name() string { return u.name }

var none Rights

// Rights is what the user may do now. Nobody changes what it points to.
func (u *User) Rights() *Rights {
	if u == nil {
		return nil
	}
	if r := u.rights.Load(); r != nil {
		return r
	}
	return &none
}

// Change gives other rights from now on.
func (u *User) Change(r Rights) { u.rights.Store(&r) }

// Revoke takes all rights away, for good.
func (u *User) Revoke() { u.rights.Store(nil) }

// Revoked reports whether that was done.
func (u *User) Revoked() bool { return u != nil && u.rights.Load() == nil }

type asker struct{}

// With is a context for something that is done for a user of these rights.
func With(ctx context.Context, r *Rights) context.Context {
	if r == nil {
		return ctx
	}
	return context.WithValue(ctx, asker{}, r)
}

// Of is whose rights count for what is done with a context. Without any it is nil:
// everything may be done.
func Of(ctx context.Context) *Rights {
	r, _ := ctx.Value(asker{}).(*Rights)
	return r
}
