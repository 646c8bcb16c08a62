package node

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/member"
	"kvd/replica/node/internal/monitor"
	"kvd/replica/node/internal/policies"
	"kvd/replica/node/internal/repair"
	"kvd/replica/node/internal/stability"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/file"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// Config is the settings of a leader. It must not be changed after Start.
type Config struct {
	Name    string // unique in the cluster, stable over restarts
	Cluster string // leaders of another cluster are refused
	Version string

	Dir string // data is kept below it
	// StateDir is where Dir is attested, so that neither a copy of Dir nor a backup of it
	// is taken for Dir itself. It must lie outside of Dir, and be there again after a
	// restart. Empty: in Dir itself, and a restart goes on with its origin only where
	// every member that was ever known confirms it.
	StateDir string
	FS       vfs.FS // nil: this machine's disk. Otherwise nothing outlives FS, and every start begins a new origin
	Storage  StorageConfig

	Addrs     Addrs  // where to listen, host:port
	Advertise Addrs  // what others are told; empty fields: derived from where it listens
	Host      string // the host that others are told where Advertise is silent; empty: where it listens
	Join      []string
	Profile   member.Profile
	// ServeDamaged serves clients although ops that the store had lost are still to
	// come from the others.
	ServeDamaged bool
	// ServeWhileJoining serves clients although the leader has no data and its
	// cluster may have some.
	ServeWhileJoining bool

	// Policy is what the leader serves under, unless another was set while it ran: PolicyVersion
	// is that one, of a store that does not outlive the process, or what is found in Dir.
	Policy        resolve.Policy
	PolicyVersion policies.Version
	MaxDrift      time.Duration // see replica.Config
	// MaxSiblings bounds the versions of a key side by side; see replica.Config.
	MaxSiblings int
	// ClientMemory is the bytes that all clients' requests and replies may use
	// together; see server.Limits.
	ClientMemory int64
	// AcksTimeout is how long a write waits for other leaders, where its policy or its
	// request asks for that and does not say how long.
	AcksTimeout time.Duration
	// ClockSources is who is asked how right this machine's clock is, by [ClockKinds];
	// empty: nobody. ClockError is the half-width claimed for it until somebody answers.
	ClockSources string
	ClockError   time.Duration
	// Quarantine is what follows when most members place true time outside of what this
	// leader's clock claims; see replica.Config.
	Quarantine replica.Quarantine
	Clock      wallclock.Faults // planted in it; only with UnsafeFaults
	// ClockSince is when Clock began to drift, so that leaders that drift alike
	// show the same. Zero: at the start.
	ClockSince wallclock.Instant

	Users     *acl.Users // nil: no passwords
	TLS       *TLS       // nil: none. Between leaders it is mutual
	GossipKey []byte     // nil: gossip is readable
	Insecure  bool       // let other machines in without the above

	// Memory is what the whole process is meant to take, as it is shown; zero: nobody said.
	// Each part bounds itself as its own field says: SetMemory sets them all.
	Memory Memory

	UnsafeFaults bool // KVD.FAULT is answered
	// Experiments is what the console may change; nil: nothing. Only with UnsafeFaults.
	Experiments Experiments
	Renewable   bool // whoever runs the leader starts it again after ErrRenew, ErrReopen and ErrPolicy
	// Reload reads again what may change while the leader serves, for KVD.RELOAD; nil:
	// there is nothing to read. It is called from many goroutines.
	Reload func() (Reloaded, error)
	Logger *slog.Logger
}

// StorageConfig is the part of storage.Options that is chosen from outside.
type StorageConfig struct {
	Sync     storage.Sync
	Interval time.Duration
	Cache    int64            // bytes of objects in memory
	Blocks   int64            // bytes of the database's blocks; zero: as many as of objects
	MemTable int              // bytes; zero: storage.DefaultMemTable
	Ledger   losses.Retention // the zero Retention: losses.DefaultRetention
	NoLedger bool             // see host.Options
	History  stability.History
	Limits   monitor.Limits // of the disk
	Repair   repair.Limits
}

// Addrs is one address for each listener.
type Addrs struct{ RESP, HTTP, Peer, Gossip string }

// Defaults listens on loopback and is safe to run anywhere.
func Defaults() Config {
	return Config{
		Cluster: "kvd", Version: "dev", Dir: "kvd-data",
		Storage:  StorageConfig{Interval: storage.DefaultInterval, Cache: storage.DefaultCache, Ledger: losses.DefaultRetention(), History: stability.DefaultHistory(), Limits: monitor.DefaultLimits(), Repair: repair.DefaultLimits()},
		Addrs:    Addrs{RESP: "127.0.0.1:6390", HTTP: "127.0.0.1:6391", Peer: "127.0.0.1:6392", Gossip: "127.0.0.1:6393"},
		Policy:   resolve.Policy{Default: resolve.Causal},
		MaxDrift: 500 * time.Millisecond,

		MaxSiblings:  replica.Defaults().MaxSiblings,
		ClientMemory: server.Defaults().Limits.Memory,
		AcksTimeout:  2 * time.Second,
		ClockError:   10 * time.Millisecond,
		Quarantine:   replica.Quarantine{Scope: replica.ScopeStamps, Beyond: 100 * time.Millisecond},
		Logger:       slog.New(slog.DiscardHandler),
	}
}

// Validate is the first thing that cannot work; nil: all can.
func (c *Config) Validate() error {
	switch {
	case !file.PlainName(c.Name) || strings.Contains(c.Name, "_"):
		return fmt.Errorf("the node name %q is refused: use letters, digits, dots and dashes, at most 64", c.Name)
	case c.Dir == "":
		return errors.New("no data directory is named; name one")
	case c.StateDir != "" && within(c.StateDir, c.Dir):
		return fmt.Errorf("the state directory %s lies within the data directory %s, and a copy would take it along; name one outside", c.StateDir, c.Dir)
	case c.Logger == nil:
		return errors.New("no logger; give one, with slog.DiscardHandler if nothing is to be said")
	case c.Clock != (wallclock.Faults{}) && !c.UnsafeFaults:
		return errors.New("a clock with faults is an experiment; allow faults, or leave the clock alone")
	case c.Experiments != nil && !c.UnsafeFaults:
		return errors.New("the console would change faults; allow faults, or leave experiments out")
	case c.ClockError < 0 || c.MaxDrift < 0:
		return fmt.Errorf("clock error %s and drift %s: neither can be negative", c.ClockError, c.MaxDrift)
	}
	if err := c.judge().Validate(); err != nil {
		return err
	}
	if c.MaxSiblings < 1 || c.MaxSiblings > replica.SiblingsLimit {
		return fmt.Errorf("%d versions side by side at most; give 1 to %d", c.MaxSiblings, replica.SiblingsLimit)
	}
	if c.AcksTimeout < time.Millisecond || c.AcksTimeout > server.Defaults().MaxWait {
		return fmt.Errorf("a write would wait %s for other leaders; give 1ms to %s", c.AcksTimeout, server.Defaults().MaxWait)
	}
	if c.ClientMemory < server.MinMemory {
		return fmt.Errorf("%d bytes of client memory; give at least %d, since one command may need a third of that", c.ClientMemory, server.MinMemory)
	}
	for _, d := range c.listeners() {
		if _, _, err := net.SplitHostPort(d.addr); err != nil {
			return fmt.Errorf("the %s address %q is refused: %w; write host:port", d.name, d.addr, err)
		}
	}
	if err := c.Policy.Validate(); err != nil {
		return err
	}
	if err := c.Storage.History.Validate(); err != nil {
		return err
	}
	if c.Storage.Ledger != (losses.Retention{}) {
		if err := c.Storage.Ledger.Validate(); err != nil {
			return err
		}
	}
	if err := cmp.Or(c.Storage.Limits.Validate(), c.Storage.Repair.Validate()); err != nil {
		return err
	}
	if err := c.checkExposed(); err != nil {
		return err
	}
	return c.checkAdvertised()
}

func within(path, dir string) bool {
	path, bad := filepath.Abs(path)
	dir, worse := filepath.Abs(dir)
	rel, err := filepath.Rel(dir, path)
	return bad == nil && worse == nil && err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
