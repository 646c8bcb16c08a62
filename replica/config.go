package replica

import "kvd/replica/internal/config"

// Leader is the name of a node, unique in the cluster and stable over restarts.
type Leader = config.Leader

// Config is what a core is told once.
type Config = config.Config

// SiblingsLimit is the greatest Config.MaxSiblings.
const SiblingsLimit = config.SiblingsLimit

// Defaults are sensible for leaders a few tens of milliseconds apart.
func Defaults() Config { return config.Defaults() }
