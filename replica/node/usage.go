package node

import (
	"kvd/replica/console"
	"kvd/replica/node/memory"
)

// AlertRules is rules for Prometheus, as YAML; kvd has them from here.
func AlertRules() string { return console.AlertRules() }

// Dashboard is a board for Grafana, as JSON.
func Dashboard() string { return console.Dashboard() }

// usage is what the leader takes of its machine. What cannot be found out is zero.
func (l *Leader) usage() console.Usage {
	log, store := l.disk.Files()
	u := console.Usage{LogBytes: log, StoreBytes: store, MemoryBytes: memory.Resident(), MemoryLimit: uint64(l.cfg.Memory.Total())}
	if free, size, ok := l.disk.Space(); ok {
		u.DiskFree, u.DiskBytes = &free, &size
	}
	return u
}
