package script

import "time"

// Bounds on everything a script can ask for, so that neither a file nor a run
// of it can be larger than was meant.
const (
	maxFileBytes   = 1 << 20
	maxLines       = 20_000
	maxLeaders     = 16
	maxClients     = 64
	maxPolicies    = 64
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

// Resolvers are the names that policies and checks may use. The caller owns the slice.
func Resolvers() []string {
	return []string{"lww", "lamport", "hlc", "interval", "siblings", "causal", "counter"}
}
