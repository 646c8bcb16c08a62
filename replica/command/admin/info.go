package admin

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp/server"
)

// Server is the rows that describe the server.
func Server() []server.Command {
	st := new(stats)
	return []server.Command{
		{Name: "command", Arity: -1, Flags: server.Admin, Needs: acl.Anyone, Since: "2.8.13", Run: describeNamed, Runs: commandRuns, Summary: "Describes the commands there are.",
			Subs: map[string]int{
				"count": 2, "docs": -2, "getkeys": -4, "getkeysandflags": -4, "help": 2, "info": -2, "list": -2,
			}, Help: []string{
				"(no subcommand)", "    Describes all commands.", "COUNT", "    Answers how many commands there are.", "DOCS [<command> ...]",
				"    Answers what commands do.", "GETKEYS <command> <argument> ...", "    Answers which arguments are keys.", "INFO [<command> ...]",
				"    Describes commands.", "LIST", "    Answers the commands' names.",
			}},
		{Name: "info", Arity: -1, Flags: server.Admin | server.Exclusive, Needs: acl.Anyone, Since: "1.0.0", Run: st.runInfo, Summary: "Describes this leader."},
		{Name: "config", Arity: -2, Flags: server.Admin | server.Exclusive, Needs: acl.Admin, Since: "2.0.0", Runs: server.Runs{"get": configGet, "set": configSet, "resetstat": configResetStat, "rewrite": configRewrite}, Summary: "Answers settings, changes those that can change while a leader runs (slowlog-log-slower-than, slowlog-max-len, latency-monitor-threshold, timeout, maxclients) until it ends, and begins to count anew.",
			Subs: map[string]int{
				"get": -3, "help": 2, "resetstat": 2, "rewrite": 2, "set": -4,
			}, Help: []string{
				"GET <pattern> ...", "    Answers the settings whose names fit.",
				"SET <setting> <value> ...", "    Changes settings that can change while a leader runs.", "RESETSTAT", "    Begins to count anew.",
			}},
		{Name: "time", Arity: 1, Flags: server.Fast, Needs: acl.Anyone, Since: "2.6.0", Run: runTime, Summary: "Answers this leader's clock."},
		{Name: "lastsave", Arity: 1, Flags: server.Fast, Needs: acl.Anyone, Since: "1.0.0", Run: runLastSave, Summary: "Answers the present: what was acknowledged is kept as --sync says, and nothing waits to be saved."},
		{Name: "role", Arity: 1, Flags: server.Fast, Needs: acl.Anyone, Since: "2.8.12", Run: runRole, Summary: "Answers master, how many writes this leader has applied, and no replicas: every leader takes writes."},
	}
}

func (st *stats) runInfo(k *server.Call) error {
	var b strings.Builder
	for _, s := range st.sections(k) {
		if !wants(k, s.Name) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + s.Name + "\r\n")
		for _, line := range s.lines(k) {
			b.WriteString(line + "\r\n")
		}
	}
	k.Out.Lines(b.String())
	return nil
}

func wants(k *server.Call, name string) bool {
	usual := name != "Commandstats" // it is long, and only shown to who asks for it or for all
	if len(k.Args) == 1 {
		return usual
	}
	for i := 1; i < len(k.Args); i++ {
		if k.Is(i, "ALL") || k.Is(i, "EVERYTHING") || usual && k.Is(i, "DEFAULT") || k.Is(i, strings.ToUpper(name)) {
			return true
		}
	}
	return false
}

// lazySection is a section whose lines are made when they are asked for.
type lazySection struct {
	Name  string
	lines func(*server.Call) []string
}

func (st *stats) sections(k *server.Call) []lazySection {
	all := []lazySection{
		{"Server", serverLines},
		{"Clients", clientLines},
		{"Memory", func(*server.Call) []string { return st.memoryLines() }},
		{"Persistence", persistenceLines},
		{"Stats", statsLines},
		{"Replication", func(*server.Call) []string { return []string{"role:master", "connected_slaves:0"} }},
		{"CPU", cpuLines},
		{"Commandstats", commandLines},
		{"Cluster", func(*server.Call) []string { return []string{"cluster_enabled:0"} }},
		{"Keyspace", keyspaceLines},
	}
	for _, sec := range k.Inspector().Info() {
		all = append(all, lazySection{sec.Name, func(*server.Call) []string { return sec.Lines }})
	}
	return all
}

func serverLines(k *server.Call) []string {
	up := k.Config().Now().Sub(k.Server().Started)
	return []string{
		"redis_version:" + redisVersion, "redis_mode:standalone", "kvd_version:" + k.Config().Version,
		"os:" + runtime.GOOS, "arch_bits:" + strconv.Itoa(strconv.IntSize), "go_version:" + runtime.Version(),
		"tcp_port:" + strconv.Itoa(max(k.Config().Served.Port, k.Config().Served.TLSPort)),
		"process_id:" + strconv.Itoa(os.Getpid()), "uptime_in_seconds:" + seconds(up),
		"uptime_in_days:" + strconv.FormatInt(int64(up/(24*time.Hour)), 10), "run_id:" + k.Server().RunID[:40],
	}
}

func clientLines(k *server.Call) []string {
	st := k.Server().Stats()
	return []string{
		fmt.Sprintf("connected_clients:%d", st.Clients), fmt.Sprintf("maxclients:%d", k.Server().MaxClients()),
		fmt.Sprintf("client_memory_limit:%d", st.Memory.Limit), fmt.Sprintf("client_memory_used:%d", st.Memory.Used),
		fmt.Sprintf("clients_waiting_for_memory:%d", st.Memory.Waiting),
	}
}

// persistenceLines says what loads, as clients know it from Redis.
func persistenceLines(k *server.Call) []string {
	l := k.Config().Loading()
	if l == nil {
		return []string{"loading:0", "async_loading:0"}
	}
	share := 0.0
	if l.Total > 0 {
		share = 100 * float64(min(l.Done, l.Total)) / float64(l.Total)
	}
	return []string{
		"loading:1", "async_loading:0", fmt.Sprintf("loading_start_time:%d", l.Since.Unix()),
		fmt.Sprintf("loading_loaded_perc:%.2f", share), "loading_why:" + l.Why,
	}
}

func statsLines(k *server.Call) []string {
	st := k.Server().StatsSinceReset()
	channels, patterns := k.Server().Broker.Counts()
	return []string{
		fmt.Sprintf("total_connections_received:%d", st.Accepted),
		fmt.Sprintf("keyspace_hits:%d", st.Hits), fmt.Sprintf("keyspace_misses:%d", st.Misses),
		fmt.Sprintf("rejected_connections:%d", st.Rejected),
		fmt.Sprintf("total_commands_processed:%d", st.Commands),
		fmt.Sprintf("total_batches_processed:%d", st.Batches),
		fmt.Sprintf("protocol_errors:%d", st.ProtocolErrors),
		fmt.Sprintf("clients_cut_slow:%d", st.Slow),
		fmt.Sprintf("pubsub_channels:%d", channels), fmt.Sprintf("pubsub_patterns:%d", patterns),
		fmt.Sprintf("subscribers_cut_behind:%d", st.Behind), fmt.Sprintf("messages_without_memory:%d", st.Unheard),
		fmt.Sprintf("clients_cut_for_memory:%d", st.Memory.Cut),
		fmt.Sprintf("client_memory_waits:%d", st.Memory.Waits),
	}
}

func keyspaceLines(k *server.Call) []string {
	if r := k.Rights(); !r.May(acl.Read) || !r.Everywhere() {
		return nil // it would tell of keys that the client may not read; DBSIZE counts those it may
	}
	n, err := k.Keys().Size()
	if err != nil || n == 0 {
		return nil
	}
	ends, err := k.Keys().Expiring()
	if err != nil {
		return nil
	}
	return []string{fmt.Sprintf("db0:keys=%d,expires=%d,avg_ttl=0", n, ends)} // zero: not measured, as in Redis
}

// commandLines is the section Commandstats, by name.
func commandLines(k *server.Call) []string {
	var lines []string
	for _, name := range k.Server().Commands {
		used := k.Server().Command(name).Used
		calls, micros, rejected := used.Calls.Load(), used.Micros.Load(), used.Rejected.Load()
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

// runLastSave answers the present: what was acknowledged is kept as --sync says, and
// nothing waits to be saved.
func runLastSave(k *server.Call) error {
	k.Out.Int(k.Config().Clock().Unix())
	return nil
}

// runRole answers that every leader takes writes. The others are not its replicas, so
// that none is listed.
func runRole(k *server.Call) error {
	offset := int64(0)
	for d := range k.Inspector().Frontier().All() {
		offset += int64(d.Seq)
	}
	k.Out.Array(3)
	k.Out.Text("master")
	k.Out.Int(offset)
	k.Out.Array(0)
	return nil
}
