package admin

import (
	"fmt"
	"runtime/metrics"
	"sync/atomic"

	"kvd/replica/resp/server"
)

// commandLines is the section Commandstats, by name.
func commandLines(k *server.Call) []string {
	var lines []string
	for _, name := range k.Server().Commands() {
		calls, micros, rejected := k.Server().Command(name).Usage()
		if calls+rejected == 0 {
			continue
		}
		each := float64(micros) / float64(max(calls, 1))
		lines = append(lines, fmt.Sprintf("cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d", name, calls, micros, each, rejected))
	}
	return lines
}

// stats is what INFO remembers between calls.
type stats struct {
	peak atomic.Uint64 // bytes of memory that it has seen
}

// memoryLines is the section Memory: of the whole process, as its runtime counts.
func (st *stats) memoryLines() []string {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	used, resident := samples[0].Value.Uint64(), samples[1].Value.Uint64()-samples[2].Value.Uint64()
	peak := st.peak.Load()
	for used > peak && !st.peak.CompareAndSwap(peak, used) {
		peak = st.peak.Load()
	}
	peak = max(peak, used)
	return []string{
		fmt.Sprintf("used_memory:%d", used), "used_memory_human:" + human(used),
		fmt.Sprintf("used_memory_rss:%d", resident), "used_memory_rss_human:" + human(resident),
		fmt.Sprintf("used_memory_peak:%d", peak), "used_memory_peak_human:" + human(peak),
		"maxmemory:0", "maxmemory_human:0B", "maxmemory_policy:noeviction",
		fmt.Sprintf("mem_fragmentation_ratio:%.2f", float64(resident)/float64(max(used, 1))), "mem_allocator:go",
	}
}

// human is bytes as Redis writes them for people.
func human(n uint64) string {
	units := "BKMGT"
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%dB", n)
	}
	return fmt.Sprintf("%.2f%c", f, units[i])
}

// cpuLines is the section CPU, where the system tells.
func cpuLines(k *server.Call) []string {
	user, system, ok := cpuTimes()
	if !ok {
		return nil
	}
	return []string{fmt.Sprintf("used_cpu_sys:%.6f", system.Seconds()), fmt.Sprintf("used_cpu_user:%.6f", user.Seconds())}
}
