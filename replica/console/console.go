package console

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kvd/replica/acl"
)

// Console is the HTTP server of one leader.
type Console struct {
	cfg    Config
	source Source
	counts *Metrics
	server *http.Server
	scrape http.Handler
	busy   chan struct{} // scrapes that are being answered
	asking chan struct{} // questions that read the store
	recent gatherer

	listening chan struct{} // readers of losses
	closing   chan struct{} // closed when their streams must end
}

// New answers nobody before Serve. It refuses a bad config.
func New(cfg Config, source Source, metrics *Metrics) (*Console, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	own := prometheus.NewRegistry()
	if err := own.Register(newGauges(source)); err != nil {
		return nil, fmt.Errorf("console: register the leader's gauges: %w", err)
	}
	c := &Console{cfg: cfg, source: source, counts: metrics, busy: make(chan struct{}, scrapes), asking: make(chan struct{}, questions),
		listening: make(chan struct{}, lossReaders), closing: make(chan struct{})}
	errorLog := slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn)
	// What can be told is told even when a part cannot.
	c.scrape = promhttp.HandlerFor(prometheus.Gatherers{metrics.registry, own}, promhttp.HandlerOpts{
		ErrorLog: errorLog, ErrorHandling: promhttp.ContinueOnError,
	})
	c.server = &http.Server{
		Handler: c.routes(), TLSConfig: cfg.TLS, ErrorLog: errorLog,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
	}
	c.server.RegisterOnShutdown(sync.OnceFunc(func() { close(c.closing) }))
	return c, nil
}

// Addr is where the console listens.
func (c *Console) Addr() net.Addr { return c.cfg.Listener.Addr() }

// Serve answers until Shutdown, and then returns nil at once, while Shutdown
// waits for what is being answered.
func (c *Console) Serve() error {
	if !isLoopback(c.Addr().String()) && (c.cfg.TLS == nil || c.cfg.Login == nil) {
		c.cfg.Logger.Warn("the console can be reached from other machines", "addr", c.Addr().String(),
			"encrypted", c.cfg.TLS != nil, "password", c.cfg.Login != nil)
	}
	var err error
	if c.cfg.TLS != nil {
		err = c.server.ServeTLS(c.cfg.Listener, "", "")
	} else {
		err = c.server.Serve(c.cfg.Listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("console: serve on %s: %w", c.Addr(), err)
}

// Shutdown stops listening and waits for the requests that are being answered.
// When ctx ends first, they are cut off, and the error says so. It may be called
// without Serve, and more than once.
func (c *Console) Shutdown(ctx context.Context) error {
	err := c.server.Shutdown(ctx)
	c.cfg.Listener.Close() // the server closes it only if it served; twice does no harm
	if err != nil {
		c.server.Close()
		return fmt.Errorf("console: shut down: %w; what was being answered was cut off", err)
	}
	return nil
}

// Config is what a console is told once.
type Config struct {
	Listener net.Listener // the console closes it
	TLS      *tls.Config  // nil: plain HTTP

	// Login finds who wants to look; nil: everybody may see everything. The health paths
	// are open to all, for those who probe have no password. from is the client's
	// address. The error is acl.ErrDenied, or why the password was not looked at. It is
	// called from several goroutines at once, and may take long.
	Login func(ctx context.Context, name, password, from string) (*acl.User, error)

	// Losses is where /losses comes from; nil: there is no such page.
	Losses Losses

	// Store answers what a page asks of keys; nil: the leader does not serve yet.
	Store Store
	// Experiments is what the page may change; nil, as at every leader that serves: nothing.
	Experiments Experiments

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
	questions     = 2 // that read the store, at the same time
)

// Validate refuses what could not work.
func (c *Config) Validate() error {
	var errs []error
	if c.Listener == nil {
		errs = append(errs, errors.New("console: there is no listener; give one"))
	}
	if c.TLS != nil && len(c.TLS.Certificates) == 0 && c.TLS.GetCertificate == nil && c.TLS.GetConfigForClient == nil {
		errs = append(errs, errors.New("console: TLS without a certificate; give one, or no TLS"))
	}
	if c.Logger == nil {
		errs = append(errs, errors.New("console: no logger; give one, with slog.DiscardHandler if nothing is to be said"))
	}
	return errors.Join(errs...)
}
