package memory

import (
	"runtime/metrics"

	"github.com/prometheus/procfs"
)

// Resident is the memory of this process: what the system says, or else what Go
// has of it.
func Resident() uint64 {
	if p, err := procfs.Self(); err == nil {
		if s, err := p.Stat(); err == nil {
			return uint64(s.ResidentMemory())
		}
	}
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
