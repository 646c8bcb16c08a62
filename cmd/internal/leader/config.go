package leader

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/cmd/internal/contexts"
	"kvd/replica/member"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// Config is what a leader is told once. It must not be changed afterwards.
type Config struct {
	Name    string // unique in the cluster, stable over restarts
	Cluster string // leaders of another cluster are refused
	Version string

	Dir     string // data is kept below it
	FS      vfs.FS // nil: this machine's disk. Otherwise nothing outlives FS, and every start is a new life
	Storage StorageConfig

	Addrs     Addrs  // where to listen, host:port
	Advertise Addrs  // what others are told; empty fields: derived from where it listens
	Host      string // the host that others are told where Advertise is silent; empty: where it listens
	Join      []string
	Profile   member.Profile

	Policy     resolve.Policy
	MaxDrift   time.Duration    // see replica.Config
	ClockError time.Duration    // the half-width claimed for this machine's clock
	Clock      wallclock.Faults // planted in it; only with UnsafeFaults
	// ClockSince is when Clock began to drift, so that leaders that drift alike
	// show the same. Zero: at the start.
	ClockSince wallclock.Instant

	Users     *Users      // nil: no passwords
	TLS       *tls.Config // nil: none. Between leaders it is mutual
	GossipKey []byte      // nil: gossip is readable
	Insecure  bool        // let other machines in without the above

	UnsafeFaults bool // KVD.FAULT is answered
	Logger       *slog.Logger
}

// StorageConfig is what of storage.Options is chosen from outside.
type StorageConfig struct {
	Sync     storage.Sync
	Interval time.Duration
	Cache    int64
	Ledger   storage.Retention // the zero Retention: storage.DefaultRetention
	NoLedger bool              // see host.Options
}

// Addrs is one address for each door.
type Addrs struct{ RESP, HTTP, Peer, Gossip string }

// Defaults listens on loopback and is safe to run anywhere.
func Defaults() Config {
	return Config{
		Cluster: "kvd", Version: "dev", Dir: "kvd-data",
		Storage:    StorageConfig{Interval: storage.DefaultInterval, Cache: storage.DefaultCache, Ledger: storage.DefaultRetention()},
		Addrs:      Addrs{RESP: "127.0.0.1:6390", HTTP: "127.0.0.1:6391", Peer: "127.0.0.1:6392", Gossip: "127.0.0.1:6393"},
		Policy:     resolve.Policy{Default: resolve.Causal},
		MaxDrift:   500 * time.Millisecond,
		ClockError: 10 * time.Millisecond,
		Logger:     slog.New(slog.DiscardHandler),
	}
}

// Validate says the first thing that cannot work.
func (c *Config) Validate() error {
	switch {
	case !contexts.Plain(c.Name) || strings.Contains(c.Name, "_"):
		return fmt.Errorf("the node name %q is refused: use letters, digits, dots and dashes, at most 64", c.Name)
	case c.Dir == "":
		return errors.New("no data directory is named; name one")
	case c.Logger == nil:
		return errors.New("no logger; give one, with slog.DiscardHandler if nothing is to be said")
	case c.Clock != (wallclock.Faults{}) && !c.UnsafeFaults:
		return errors.New("a clock with faults is an experiment; allow faults, or leave the clock alone")
	case c.ClockError < 0 || c.MaxDrift < 0:
		return fmt.Errorf("clock error %s and drift %s: neither can be negative", c.ClockError, c.MaxDrift)
	}
	for _, d := range c.doors() {
		if _, _, err := net.SplitHostPort(d.addr); err != nil {
			return fmt.Errorf("the %s address %q is refused: %w; write host:port", d.name, d.addr, err)
		}
	}
	if err := c.Policy.Validate(); err != nil {
		return err
	}
	if c.Storage.Ledger != (storage.Retention{}) {
		if err := c.Storage.Ledger.Validate(); err != nil {
			return err
		}
	}
	if err := c.checkDoors(); err != nil {
		return err
	}
	return c.checkAdvertised()
}
