// Package config is what a core is told once, with sensible defaults, and what is wrong
// with it. It decides nothing else.
package config

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// Leader is the name of a node, unique in the cluster and stable over restarts.
type Leader string

// Config is what a core is told once.
type Config struct {
	Name   Leader
	Peers  []Leader // the others; more may come with PeerUp
	Policy resolve.Policy

	// PastOrigins is the origins of this leader's earlier incarnations: what they accepted
	// is this leader's to sweep.
	PastOrigins []logical.Origin
	// SyncsLater: what is stored is not yet durable; Synced says when it is.
	SyncsLater bool
	// Statuses is how many statuses this incarnation has numbered already: peers take a
	// smaller number for an old one. Zero for a new one.
	Statuses uint64

	ClockNear   time.Duration // clocks no further apart than this agree on when values end
	ClockHold   time.Duration // a step of this leader's clock that no peer confirms ends nothing for so long
	Quarantine  Quarantine    // of this leader's clock
	MaxDrift    time.Duration // how far ahead of our clock a hybrid stamp may be and still be absorbed
	TokenWait   time.Duration // how long a request waits for what its token has seen
	Heartbeat   time.Duration // a Status goes to every peer at least this often
	Resend      time.Duration // unacknowledged ops are shipped again after this
	RelayAfter  time.Duration // another origin's ops are shipped to a peer that says it lacks them after this long
	WindowOps   int           // unacknowledged ops in flight to one peer
	WindowBytes int           // what they take in memory; exceeded by one message at most
	BatchOps    int           // ops in one message
	BatchBytes  int           // what they take, unless one op alone exceeds it
	OpBytes     int           // of an op that can be sent; a larger one stops its origin's stream and is reported
	GateOps     int           // ops buffered at the gate
	GateBytes   int           // what one peer's take there; exceeded by one op at most
	WaitingReqs int           // requests waiting for a token
	WaitBytes   int           // what they take
	MaxOrigins  int           // origins in the frontier; at most limits.Origins
	// MaxSiblings is how many versions of a key a client's write may leave side by
	// side. One that would leave more, since its author was shown too few of them,
	// is refused with ErrSiblings; those that peers accepted are always applied.
	MaxSiblings int
	// ShownBytes is how many bytes of values a client's write may leave side by side.
	// One that would leave more is refused in the same way.
	ShownBytes int
}

// SiblingsLimit is the greatest Config.MaxSiblings: one op must be able to name
// what several leaders let in at once.
const SiblingsLimit = limits.Dots / 8

// Defaults are sensible for leaders a few tens of milliseconds apart.
func Defaults() Config {
	return Config{
		ClockNear:   time.Second,
		ClockHold:   time.Minute,
		MaxDrift:    500 * time.Millisecond,
		TokenWait:   time.Second,
		Heartbeat:   200 * time.Millisecond,
		Resend:      300 * time.Millisecond,
		RelayAfter:  500 * time.Millisecond,
		WindowOps:   16384,
		BatchOps:    512,
		WindowBytes: limits.Flight,
		BatchBytes:  limits.Batch,
		OpBytes:     limits.Op,
		GateOps:     16384,
		GateBytes:   limits.Gate,
		WaitingReqs: 4096,
		WaitBytes:   limits.Waiting,
		MaxOrigins:  limits.Origins,
		MaxSiblings: 100,
		ShownBytes:  limits.Shown,
	}
}

// Validate says what is wrong with the first setting that makes no sense. It
// sorts the policy's rules.
func (c *Config) Validate() error {
	if c.Name == "" {
		return errors.New("config: Name is empty; every leader needs a name of its own")
	}
	for i, p := range c.Peers {
		if p == "" || p == c.Name || slices.Contains(c.Peers[:i], p) {
			return fmt.Errorf("config: peer %q is empty, this leader itself, or named twice; list every other leader once", p)
		}
	}
	if err := c.validateTimes(); err != nil {
		return err
	}
	if err := c.validateBounds(); err != nil {
		return err
	}
	return c.Policy.Validate()
}

func (c *Config) validateTimes() error {
	if c.ClockNear <= 0 || c.ClockHold < 0 {
		return fmt.Errorf("config: ClockNear %s must be above zero and ClockHold %s not negative", c.ClockNear, c.ClockHold)
	}
	if c.MaxDrift < 0 || c.TokenWait < 0 {
		return fmt.Errorf("config: MaxDrift %s and TokenWait %s must not be negative", c.MaxDrift, c.TokenWait)
	}
	if int(c.Quarantine.Scope) >= len(Scopes) || c.Quarantine.Beyond < 0 {
		return fmt.Errorf("config: quarantine %d beyond %s; choose a scope there is, and no negative time", c.Quarantine.Scope, c.Quarantine.Beyond)
	}
	if c.Heartbeat <= 0 || c.Resend <= 0 || c.RelayAfter <= 0 {
		return fmt.Errorf("config: Heartbeat %s, Resend %s and RelayAfter %s must be above zero", c.Heartbeat, c.Resend, c.RelayAfter)
	}
	return nil
}

func (c *Config) validateBounds() error {
	for _, b := range [...]struct {
		name  string
		value int
	}{
		{"WindowOps", c.WindowOps}, {"WindowBytes", c.WindowBytes},
		{"BatchOps", c.BatchOps}, {"BatchBytes", c.BatchBytes}, {"OpBytes", c.OpBytes},
		{"GateOps", c.GateOps}, {"GateBytes", c.GateBytes},
		{"WaitingReqs", c.WaitingReqs}, {"WaitBytes", c.WaitBytes}, {"MaxSiblings", c.MaxSiblings},
		{"ShownBytes", c.ShownBytes},
		{"MaxOrigins", c.MaxOrigins},
	} {
		if b.value <= 0 {
			return fmt.Errorf("config: %s is %d; it must be above zero", b.name, b.value)
		}
	}
	if c.MaxSiblings > SiblingsLimit {
		return fmt.Errorf("config: MaxSiblings is %d; the most is %d", c.MaxSiblings, SiblingsLimit)
	}
	if c.MaxOrigins > limits.Origins {
		return fmt.Errorf("config: MaxOrigins is %d; nothing that names more than %d can be stored or sent", c.MaxOrigins, limits.Origins)
	}
	return nil
}
