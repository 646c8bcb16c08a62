package config

import (
	"fmt"
	"time"

	"kvd/resolve"
)

// Quarantine is what a leader does whose clock lies outside of where most members place
// true time. The zero Quarantine warns.
type Quarantine struct {
	Scope Scope
	// Beyond is how far outside the clock is before all keys of the scope are concerned.
	// Those that interval serves are from the first nanosecond on: that rule rests on the
	// error that clocks claim.
	Beyond time.Duration
}

// Scope is the keys whose writes are refused in quarantine.
type Scope uint8

// The scopes.
const (
	ScopeWarn   Scope = iota // none: it is only said
	ScopeStamps              // those whose resolver compares wall clocks
	ScopeAll                 // every key
)

// Scopes is the names of all scopes.
var Scopes = [...]string{ScopeWarn: "warn", ScopeStamps: "stamps", ScopeAll: "all"}

// String names the scope.
func (s Scope) String() string { return Scopes[s] }

// ParseScope reads a name.
func ParseScope(name string) (Scope, error) {
	for i, n := range Scopes {
		if n == name {
			return Scope(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no quarantine; choose one of warn, stamps, all", name)
}

// wallStamped is the resolvers under which a wrong clock costs what follows from what was
// seen: lww and interval compare readings of wall clocks, and hlc follows them. Under causal
// stamps choose among concurrent writes alone.
var wallStamped = resolve.LWW.Mask() | resolve.HLC.Mask() | resolve.Interval.Mask()

// Refuses is the resolvers whose keys take no writes when the clock is outside by so much;
// zero: all take them.
func (q Quarantine) Refuses(outside time.Duration) resolve.Mask {
	all := [...]resolve.Mask{ScopeStamps: wallStamped, ScopeAll: resolve.All}[q.Scope]
	if outside.Abs() <= q.Beyond {
		return all & resolve.Interval.Mask()
	}
	return all
}
