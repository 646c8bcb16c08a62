package script

import (
	"fmt"
	"time"
)

// Bounds on everything a script can ask for, so that neither a file nor a run
// of it can be larger than was meant.
const (
	maxFileBytes   = 1 << 20
	maxLines       = 20_000
	maxLeaders     = 16
	maxClients     = 64
	maxPolicies    = 64
	maxNameBytes   = 64
	maxTitleBytes  = 1024
	maxKeyBytes    = 1024
	maxValueBytes  = 64 << 10
	maxTimes       = 1_000_000
	maxHappenings  = 2_000_000         // of all events together
	maxAmount      = 1_000_000_000_000 // so that maxHappenings of them fit an int64
	maxCount       = maxHappenings
	maxSiblings    = 1000
	maxDriftPPM    = 1_000_000
	maxYears       = 10
	maxDuration    = maxYears * 365 * 24 * time.Hour
	maxSteadyDrift = 200 // ppm, what a synchronous model lets a clock drift
)

// Options are what a parse needs to know beyond the text.
type Options struct {
	Resolvers []string // names that policies and checks may use; none: DefaultResolvers
}

// DefaultResolvers are the names used when Options states none. The caller
// owns the slice.
func DefaultResolvers() []string {
	return []string{"lww", "lamport", "hlc", "interval", "siblings", "causal", "counter"}
}

// Validate reports a resolver name that no script could write, or one given
// twice.
func (o Options) Validate() error {
	seen := map[string]bool{}
	for _, name := range o.Resolvers {
		if !isName(name) || seen[name] {
			return fmt.Errorf("script options: resolver %q: give each name once, a letter and then letters, digits, - or _", name)
		}
		seen[name] = true
	}
	return nil
}

func (o Options) resolvers() []string {
	if len(o.Resolvers) == 0 {
		return DefaultResolvers()
	}
	return o.Resolvers
}
