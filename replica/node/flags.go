package node

import (
	"io"
	"os"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/console"
	"kvd/replica/link"
	"kvd/replica/member"
	"kvd/replica/node/internal/certs"
	"kvd/replica/node/internal/clock"
	"kvd/replica/node/internal/monitor"
	"kvd/replica/node/internal/stability"
	"kvd/replica/node/memory"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// What a command line needs of the rooms below to fill a Config: it imports none of them.
type (
	Policy      = resolve.Policy
	Rule        = resolve.Rule
	Resolver    = resolve.ID
	LinkFault   = link.LinkFault
	ClockFaults = wallclock.Faults
	Memory      = memory.Plan
	TLS         = certs.TLS
	MemoryAsked = memory.Asked

	Experiments      = console.Experiments
	Experiment       = console.Experiment
	ExperimentLeader = console.ExperimentLeader
	ExperimentChange = console.ExperimentChange
)

// AllResolvers is every resolver, for Policy.Shadows.
const AllResolvers = resolve.All

// MaxAcks is how many leaders a write may be asked to wait for.
const MaxAcks = limits.Acks

// DefaultResolver serves keys if nobody says otherwise.
const DefaultResolver = resolve.Causal

// Resolvers is the names of all resolvers.
func Resolvers() []string { return resolve.All.Names() }

// ParseResolver reads a resolver's name.
func ParseResolver(name string) (Resolver, error) { return resolve.ParseID(name) }

// Profiles of gossip: among several machines, or on one, where leaders find out sooner who
// is there.
const (
	GossipLAN   = member.LAN
	GossipLocal = member.Local
)

// Defaults of the store.
const (
	DefaultCache        = storage.DefaultCache
	DefaultMemTable     = storage.DefaultMemTable
	DefaultSync         = storage.SyncAlways
	DefaultSyncInterval = storage.DefaultInterval
)

// DiskLimits is when the disk counts as full or slow, and how it is read for damage.
type DiskLimits = monitor.Limits

// DefaultDiskLimits suits most leaders. AutoMinFree is its MinFree.
func DefaultDiskLimits() DiskLimits { return monitor.DefaultLimits() }

const AutoMinFree = monitor.Auto

// DefaultHistory is how much of the log is kept.
func DefaultHistory() stability.History { return stability.DefaultHistory() }

// DefaultRetention is how much of the ledger of lost writes is kept.
func DefaultRetention() losses.Retention { return losses.DefaultRetention() }

// SetSync says when writes are on disk, by name.
func (c *Config) SetSync(when string) (err error) {
	c.Storage.Sync, err = storage.ParseSync(when)
	return err
}

// SetMemory divides the total among all parts of the leader. Zero: as much of the machine as
// suits it, and more if what is asked for in particular takes more.
func (c *Config) SetMemory(total int64, asked MemoryAsked) error {
	plan, err := memory.AtLeast(memory.Share(os.DirFS("/")), asked), error(nil)
	if total != 0 {
		plan, err = memory.Divide(total, asked)
	}
	c.Memory, c.ClientMemory = plan, plan.Clients
	c.Storage.Cache, c.Storage.Blocks, c.Storage.MemTable = plan.Objects, plan.Blocks, int(plan.MemTable)
	return err
}

// Syncs is the names that SetSync takes.
func Syncs() []string {
	return []string{storage.SyncAlways.String(), storage.SyncInterval.String(), storage.SyncNever.String()}
}

// ReadUsers reads the lines of a users file.
func (c *Config) ReadUsers(r io.Reader) (err error) {
	c.Users, err = acl.ReadUsers(r)
	return err
}

// LoadTLS is [certs.Load].
func LoadTLS(cert, key, ca string) (*TLS, error) { return certs.Load(cert, key, ca) }

// HashPassword is what a users file has of a password.
func HashPassword(password string) (string, error) { return acl.HashPassword(password) }

// AllRoles is all roles as they are written.
func AllRoles() string { return acl.All.String() }

// FormatRights is what follows the hash in a line of a users file: roles as they are
// written, and the prefixes of keys that they are for; none: every key.
func FormatRights(roles string, prefixes []string) (string, error) {
	r, err := acl.ParseRoles(roles)
	if err != nil || len(prefixes) == 0 {
		return ":" + r.String(), err
	}
	text := acl.FormatPrefixes(prefixes)
	_, err = acl.ParsePrefixes(text)
	return ":" + r.String() + ":" + text, err
}

// ClockKinds is what Config.ClockSources takes.
const ClockKinds = clock.Kinds

// SetQuarantine says, by name, which keys take no writes when the clock is found wrong.
func (c *Config) SetQuarantine(scope string) (err error) {
	c.Quarantine.Scope, err = replica.ParseScope(scope)
	return err
}

// judge is how the clock is to be judged.
func (c *Config) judge() clock.Config {
	return clock.Config{Sources: c.ClockSources, Claim: c.ClockError, Faults: c.Clock, Since: c.ClockSince, Logger: c.Logger.With("leader", c.Name)}
}

// Now is a moment of this machine's clock, for Config.ClockSince.
func Now() wallclock.Instant { return wallclock.NewSystem(0).Now().Wall.Midpoint() }

// SlowClock lets a clock run n times slower than its faults have it run, from since on.
func (c *Config) SlowClock(n float64, since wallclock.Instant) {
	const million = 1e6
	c.Clock.Drift = (million+c.Clock.Drift)/n - million
	c.ClockSince = since
}

// Impair makes the link to another leader worse. Zero mends it.
func (l *Leader) Impair(to string, fault LinkFault) error {
	return l.faults.Set(replica.Leader(to), fault)
}
