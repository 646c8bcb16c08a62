package replica

import "kvd/replica/internal/config"

// Leader is the name of a node, unique in the cluster and stable over restarts.
type Leader = config.Leader

// Config is what a core is told once.
type Config = config.Config

// Quarantine is what a leader does whose clock is found wrong.
type Quarantine = config.Quarantine

// ScopeStamps: keys whose resolver compares wall clocks take no writes in quarantine.
const ScopeStamps = config.ScopeStamps

// ParseScope reads a scope's name: warn, stamps or all.
func ParseScope(name string) (config.Scope, error) { return config.ParseScope(name) }

// SiblingsLimit is the greatest Config.MaxSiblings.
const SiblingsLimit = config.SiblingsLimit

// Defaults are sensible for leaders a few tens of milliseconds apart.
func Defaults() Config { return config.Defaults() }
