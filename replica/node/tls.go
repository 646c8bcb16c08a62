package node

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"

	"kvd/replica/acl"
	"kvd/replica/node/internal/identity"
)

// leaderUser is the user name of a leader at another's console. No user can have the name:
// it is refused in a users file.
const leaderUser = "@leader"

// leaderPassword follows from the gossip key, which all leaders share and nobody
// else has.
func (c *Config) leaderPassword() string {
	h := hmac.New(sha256.New, c.GossipKey)
	h.Write([]byte("console of " + c.Cluster))
	return hex.EncodeToString(h.Sum(nil))
}

func (c *Config) statusPage() *identity.Page {
	p := &identity.Page{}
	if c.TLS != nil {
		p.TLS = c.TLS.Client()
	}
	if len(c.GossipKey) > 0 {
		p.User, p.Password = leaderUser, c.leaderPassword()
	}
	return p
}

// loginConsole is who may look at the pages: users, and other leaders. Nil:
// everybody.
func (c *Config) loginConsole() func(ctx context.Context, name, password, from string) (*acl.User, error) {
	if c.Users == nil {
		return nil
	}
	peer := acl.NewUser(leaderUser, acl.Rights{Roles: acl.Anyone})
	return func(ctx context.Context, name, password, from string) (*acl.User, error) {
		if name != leaderUser {
			return c.Users.Login(ctx, name, password, from)
		}
		if len(c.GossipKey) > 0 && subtle.ConstantTimeCompare([]byte(password), []byte(c.leaderPassword())) == 1 {
			return peer, nil
		}
		return nil, acl.ErrDenied
	}
}
