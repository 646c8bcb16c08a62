// Package acltest lets users in for tests.
package acltest

import (
	"context"

	"kvd/replica/acl"
)

// Login is how a server or a console finds users.
type Login = func(ctx context.Context, name, password, from string) (*acl.User, error)

// Let is a Login that gives every right to whom allow lets in.
func Let(allow func(name, password string) bool) Login {
	return func(_ context.Context, name, password, _ string) (*acl.User, error) {
		if !allow(name, password) {
			return nil, acl.ErrDenied
		}
		return acl.NewUser(name, acl.Rights{Roles: acl.All}), nil
	}
}

// These is a Login of users whose password is their name.
func These(users ...*acl.User) Login {
	return func(_ context.Context, name, password, _ string) (*acl.User, error) {
		for _, u := range users {
			if u.Name() == name && name == password {
				return u, nil
			}
		}
		return nil, acl.ErrDenied
	}
}
