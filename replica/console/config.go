package console

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"kvd/replica/acl"
)

// Config is what a console is told once.
type Config struct {
	Addr     string       // host:port to listen on; port 0 takes a free one
	Listener net.Listener // instead of Addr; the console closes it
	TLS      *tls.Config  // nil: plain HTTP

	// Login finds who wants to look; nil: everybody may see everything. The health paths
	// are open to all, for those who probe have no password. from is the client's
	// address. The error is acl.ErrDenied, or why the password was not looked at. It is
	// called from several goroutines at once, and may take long.
	Login func(ctx context.Context, name, password, from string) (*acl.User, error)

	// Losses is where /losses comes from; nil: there is no such page.
	Losses Losses

	Logger *slog.Logger
}

// Limits of the HTTP server. Requests have no bodies worth reading, so what
// comes in is small and must come soon.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second // profiles and losses extend it for themselves
	idleTimeout   = time.Minute
	headerBytes   = 16 << 10
	scrapes       = 4 // at the same time; more are turned away
)

// Validate refuses what could not work.
func (c *Config) Validate() error {
	var errs []error
	if (c.Addr == "") == (c.Listener == nil) {
		errs = append(errs, errors.New("console: where to listen is not clear; give an address or a listener, and not both"))
	}
	if c.TLS != nil && len(c.TLS.Certificates) == 0 && c.TLS.GetCertificate == nil && c.TLS.GetConfigForClient == nil {
		errs = append(errs, errors.New("console: TLS without a certificate; give one, or no TLS"))
	}
	if c.Logger == nil {
		errs = append(errs, errors.New("console: no logger; give one, with slog.DiscardHandler if nothing is to be said"))
	}
	return errors.Join(errs...)
}
