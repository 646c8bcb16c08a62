package acl

import (
	"context"
	"sync/atomic"
)

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
