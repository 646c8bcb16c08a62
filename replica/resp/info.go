package resp

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

func serverCommands() []command {
	return []command{
		{name: "command", arity: -1, flags: family | admin, since: "2.8.13", run: runCommand, summary: "Describes the commands there are."},
		{name: "info", arity: -1, flags: admin | alone | single, since: "1.0.0", run: runInfo, summary: "Describes this leader."},
		{name: "config", arity: -2, flags: family | admin | alone | single, since: "2.0.0", run: runConfig, summary: "Answers settings; none can be changed here."},
		{name: "time", arity: 1, flags: fast, since: "2.6.0", run: runTime, summary: "Answers this leader's clock."},
		{name: "wait", arity: 3, flags: alone | single, since: "3.0.0", run: runWait, summary: "Waits until other leaders durably hold this connection's last write."},
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
	if len(k.args) == 1 {
		return true
	}
	for i := 1; i < len(k.args); i++ {
		if k.is(i, "ALL") || k.is(i, "EVERYTHING") || k.is(i, "DEFAULT") || k.is(i, strings.ToUpper(name)) {
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
		{"Persistence", func() []string { return []string{"loading:0", "async_loading:0"} }},
		{"Stats", s.statsLines},
		{"Replication", func() []string { return []string{"role:master", "connected_slaves:0"} }},
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
		"process_id:" + strconv.Itoa(os.Getpid()), "uptime_in_seconds:" + seconds(up),
	}
}

func (s *Server) clientLines() []string {
	return []string{fmt.Sprintf("connected_clients:%d", s.Stats().Clients), fmt.Sprintf("maxclients:%d", s.cfg.Limits.Clients)}
}

func (s *Server) statsLines() []string {
	st := s.Stats()
	return []string{
		fmt.Sprintf("total_connections_received:%d", st.Accepted),
		fmt.Sprintf("rejected_connections:%d", st.Rejected),
		fmt.Sprintf("total_commands_processed:%d", st.Commands),
		fmt.Sprintf("total_batches_processed:%d", st.Batches),
		fmt.Sprintf("protocol_errors:%d", st.ProtocolErrors),
		fmt.Sprintf("clients_cut_slow:%d", st.Slow),
	}
}

func (s *Server) keyspaceLines() []string {
	n, err := s.keys.Size()
	if err != nil || n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("db0:keys=%d,expires=0,avg_ttl=0", n)}
}

// runConfig answers the settings that clients and tools are known to probe.
func runConfig(k *call) error {
	switch {
	case k.is(1, "GET"):
		if err := k.subArity(3, 64); err != nil {
			return err
		}
		return configGet(k)
	case k.is(1, "SET"), k.is(1, "RESETSTAT"), k.is(1, "REWRITE"):
		return refusal("ERR CONFIG " + strings.ToUpper(string(k.args[1])) + " is not supported: a leader takes its settings from flags, environment and file when it starts")
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
		return len(p) <= maxPattern && glob(strings.ToLower(string(p)), setting)
	})
}

// settings is CONFIG's table, by name.
func (s *Server) settings() [][2]string {
	n := strconv.Itoa
	return [][2]string{
		{"appendfsync", "always"},
		{"appendonly", "yes"},
		{"bind", ""},
		{"cluster-enabled", "no"},
		{"databases", "1"},
		{"io-threads", "1"},
		{"maxclients", n(s.cfg.Limits.Clients)},
		{"maxmemory", "0"},
		{"maxmemory-policy", "noeviction"},
		{"notify-keyspace-events", ""},
		{"port", "0"},
		{"proto-max-bulk-len", n(s.cfg.Limits.Bulk)},
		{"save", ""},
		{"timeout", seconds(s.cfg.Idle)},
	}
}
