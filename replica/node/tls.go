package node

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"sync/atomic"

	"kvd/replica/acl"
	"kvd/replica/node/internal/identity"
)

// TLS is the certificate that a leader shows, its key, and the authority that it trusts.
// They can be replaced while it serves: connections that are there go on with what they
// began with.
type TLS struct {
	mutual atomic.Pointer[tls.Config] // as between leaders; never changed in place
}

// LoadTLS reads a certificate, its key and the authority that signed the
// leaders' certificates, all PEM.
func LoadTLS(cert, key, ca string) (*TLS, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s with the key %s: %w", cert, key, err)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the authority: %s holds no certificate in PEM", ca)
	}
	t := &TLS{}
	t.mutual.Store(&tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, RootCAs: pool,
	})
	return t, nil
}

// Adopt replaces the certificate, key and authority for connections that begin from now
// on.
func (t *TLS) Adopt(fresh *TLS) { t.mutual.Store(fresh.mutual.Load()) }

// between is the present configuration between leaders; nil: connections are plain.
func (t *TLS) between() *tls.Config {
	if t == nil {
		return nil
	}
	return t.mutual.Load()
}

// server is for clients and people, who show a password and no certificate.
func (t *TLS) server() *tls.Config {
	if t == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &t.between().Certificates[0], nil
	}}
}

func (t *TLS) client() *tls.Config {
	return &tls.Config{RootCAs: t.between().RootCAs, MinVersion: tls.VersionTLS12}
}

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
		p.TLS = c.TLS.client()
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
