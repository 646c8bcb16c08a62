package node

import (
	"runtime/metrics"

	"github.com/prometheus/procfs"

	"kvd/replica/console"
)

// AlertRules is rules for Prometheus, as YAML; kvd has them from here.
func AlertRules() string { return console.AlertRules() }

// Dashboard is a board for Grafana, as JSON.
func Dashboard() string { return console.Dashboard() }

// usage is what the leader takes of its machine. What cannot be found out is zero.
func (l *Leader) usage() console.Usage {
	log, store := l.disk.Files()
	u := console.Usage{LogBytes: log, StoreBytes: store, MemoryBytes: residentBytes(), MemoryLimit: uint64(l.cfg.Memory.Total())}
	if free, size, ok := l.disk.Space(); ok {
		u.DiskFree, u.DiskBytes = &free, &size
	}
	return u
}

// residentBytes is the memory of this process: what the system says, or else what Go
// has of it.
func residentBytes() uint64 {
	if p, err := procfs.Self(); err == nil {
		if s, err := p.Stat(); err == nil {
			return uint64(s.ResidentMemory())
		}
	}
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
