package server

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/glob"
)

func serverCommands() []command {
	return []command{
		{name: "command", arity: -1, flags: family | admin, needs: acl.Anyone, since: "2.8.13", run: runCommand, summary: "Describes the commands there are."},
		{name: "info", arity: -1, flags: admin | alone, needs: acl.Anyone, since: "1.0.0", run: runInfo, summary: "Describes this leader."},
		{name: "config", arity: -2, flags: family | admin | alone, needs: acl.Admin, since: "2.0.0", run: runConfig, summary: "Answers settings, and begins to count anew. None can be changed while a leader runs."},
		{name: "time", arity: 1, flags: fast, needs: acl.Anyone, since: "2.6.0", run: runTime, summary: "Answers this leader's clock."},
		{name: "wait", arity: 3, flags: patient | alone, needs: acl.Anyone, since: "3.0.0", run: runWait, summary: "Waits until other leaders durably hold this connection's last write, as the --sync of each promises it: synced under always and interval, handed to the operating system under never."},
	}
}

func runInfo(k *call) error {
	var b strings.Builder
	for _, s := range k.sections() {
		if !k.wants(s.Name) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + s.Name + "\r\n")
		for _, line := range s.lines() {
			b.WriteString(line + "\r\n")
		}
	}
	k.w.Lines(b.String())
	return nil
}

// wants reports whether the client asked for a section.
func (k *call) wants(name string) bool {
	usual := name != "Commandstats" // it is long, and only shown to who asks for it or for all
	if len(k.args) == 1 {
		return usual
	}
	for i := 1; i < len(k.args); i++ {
		if k.is(i, "ALL") || k.is(i, "EVERYTHING") || usual && k.is(i, "DEFAULT") || k.is(i, strings.ToUpper(name)) {
			return true
		}
	}
	return false
}

// lazySection is a section whose lines are made when they are asked for.
type lazySection struct {
	Name  string
	lines func() []string
}

func (k *call) sections() []lazySection {
	s := k.srv
	all := []lazySection{
		{"Server", s.serverLines},
		{"Clients", s.clientLines},
		{"Memory", s.memoryLines},
		{"Persistence", s.persistenceLines},
		{"Stats", s.statsLines},
		{"Replication", func() []string { return []string{"role:master", "connected_slaves:0"} }},
		{"CPU", s.cpuLines},
		{"Commandstats", s.commandLines},
		{"Cluster", func() []string { return []string{"cluster_enabled:0"} }},
		{"Keyspace", s.keyspaceLines},
	}
	for _, sec := range s.inspector.Info() {
		all = append(all, lazySection{sec.Name, func() []string { return sec.Lines }})
	}
	return all
}

func (s *Server) serverLines() []string {
	up := s.cfg.Now().Sub(s.started)
	return []string{
		"redis_version:" + redisVersion, "redis_mode:standalone", "kvd_version:" + s.cfg.Version,
		"os:" + runtime.GOOS, "arch_bits:" + strconv.Itoa(strconv.IntSize), "go_version:" + runtime.Version(),
		"tcp_port:" + strconv.Itoa(max(s.cfg.Served.Port, s.cfg.Served.TLSPort)),
		"process_id:" + strconv.Itoa(os.Getpid()), "uptime_in_seconds:" + seconds(up),
		"uptime_in_days:" + strconv.FormatInt(int64(up/(24*time.Hour)), 10), "run_id:" + s.runID[:40],
	}
}

func (s *Server) clientLines() []string {
	st := s.Stats()
	return []string{
		fmt.Sprintf("connected_clients:%d", st.Clients), fmt.Sprintf("maxclients:%d", s.cfg.Limits.Clients),
		fmt.Sprintf("client_memory_limit:%d", st.Memory.Limit), fmt.Sprintf("client_memory_used:%d", st.Memory.Used),
		fmt.Sprintf("clients_waiting_for_memory:%d", st.Memory.Waiting),
	}
}

// persistenceLines says what loads, as clients know it from Redis.
func (s *Server) persistenceLines() []string {
	l := s.loading()
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

func (s *Server) statsLines() []string {
	st := s.sinceReset()
	channels, patterns := s.broker.sizes()
	return []string{
		fmt.Sprintf("total_connections_received:%d", st.Accepted),
		fmt.Sprintf("keyspace_hits:%d", s.stats.hits.Load()), fmt.Sprintf("keyspace_misses:%d", s.stats.misses.Load()),
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

func (s *Server) keyspaceLines() []string {
	n, err := s.keys.Size()
	if err != nil || n == 0 {
		return nil
	}
	ends, err := s.keys.Expiring()
	if err != nil {
		return nil
	}
	return []string{fmt.Sprintf("db0:keys=%d,expires=%d,avg_ttl=0", n, ends)} // zero: not measured, as in Redis
}

// runConfig answers the settings that clients and tools are known to probe.
func runConfig(k *call) error {
	switch {
	case k.is(1, "GET"):
		if err := k.subArity(3, 64); err != nil {
			return err
		}
		return configGet(k)
	case k.is(1, "SET"):
		return configSet(k)
	case k.is(1, "RESETSTAT"):
		k.srv.resetStats()
		k.w.Simple("OK")
		return nil
	case k.is(1, "REWRITE"):
		return resp.Error("ERR The server is running without a config file: a leader takes its settings from flags, environment and file when it starts")
	}
	return k.unknownSub()
}

func configGet(k *call) error {
	var hits [][2]string
	for _, row := range k.srv.settings() {
		if k.asksFor(row[0]) {
			hits = append(hits, row)
		}
	}
	k.w.Map(len(hits))
	for _, row := range hits {
		k.w.Text(row[0])
		k.w.Text(row[1])
	}
	return nil
}

func (k *call) asksFor(setting string) bool {
	return slices.ContainsFunc(k.args[2:], func(p []byte) bool {
		return len(p) <= glob.MaxLen && glob.Match(strings.ToLower(string(p)), setting)
	})
}

// settings is CONFIG's table, by name.
func (s *Server) settings() [][2]string {
	n := strconv.Itoa
	return [][2]string{
		{"appendfsync", s.cfg.Served.Fsync},
		{"appendonly", "yes"},
		{"bind", s.cfg.Served.Bind},
		{"cluster-enabled", "no"},
		{"databases", "1"},
		{"io-threads", "1"},
		{"latency-monitor-threshold", n(int(slowAfter / time.Millisecond))},
		{"maxclients", n(s.cfg.Limits.Clients)},
		{"maxmemory", "0"},
		{"maxmemory-policy", "noeviction"},
		{"notify-keyspace-events", ""},
		{"port", n(s.cfg.Served.Port)},
		{"proto-max-bulk-len", n(s.cfg.Limits.Bulk)},
		{"save", ""},
		{"slowlog-log-slower-than", n(int(slowAfter / time.Microsecond))},
		{"slowlog-max-len", n(maxSlow)},
		{"timeout", seconds(s.cfg.Idle)},
		{"tls-port", n(s.cfg.Served.TLSPort)},
	}
}
