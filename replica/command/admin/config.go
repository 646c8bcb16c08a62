package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/replica/resp"
	"kvd/replica/resp/glob"
	"kvd/replica/resp/server"
)

// configSet takes settings that are as they are already, as tools send them to be
// sure. A leader takes all others when it starts.
func configSet(k *server.Call) error {
	switch {
	case len(k.Args) < 4:
		return resp.WrongArity("config|set")
	case len(k.Args)%2 != 0:
		return resp.ErrSyntax
	}
	for i := 2; i < len(k.Args); i += 2 {
		at := slices.IndexFunc(settings(k), func(row [2]string) bool { return strings.EqualFold(string(k.Args[i]), row[0]) })
		switch {
		case at < 0:
			return resp.Error(fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%.128s'", k.Args[i]))
		case !strings.EqualFold(string(k.Args[i+1]), settings(k)[at][1]):
			return resp.Error(fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - can't set immutable config: it is %q, and a leader takes its settings from flags, environment and file when it starts", settings(k)[at][0], settings(k)[at][1]))
		}
	}
	k.Out.Simple("OK")
	return nil
}

// runConfig answers the settings that clients and tools are known to probe.
func runConfig(k *server.Call) error {
	switch {
	case k.Is(1, "GET"):
		if err := k.SubArity(3, 64); err != nil {
			return err
		}
		return configGet(k)
	case k.Is(1, "SET"):
		return configSet(k)
	case k.Is(1, "RESETSTAT"):
		k.Server().ResetStats()
		k.Out.Simple("OK")
		return nil
	case k.Is(1, "REWRITE"):
		return resp.Error("ERR The server is running without a config file: a leader takes its settings from flags, environment and file when it starts")
	}
	return k.UnknownSub()
}

func configGet(k *server.Call) error {
	var hits [][2]string
	for _, row := range settings(k) {
		if asksFor(k, row[0]) {
			hits = append(hits, row)
		}
	}
	k.Out.Map(len(hits))
	for _, row := range hits {
		k.Out.Text(row[0])
		k.Out.Text(row[1])
	}
	return nil
}

func asksFor(k *server.Call, setting string) bool {
	return slices.ContainsFunc(k.Args[2:], func(p []byte) bool {
		return len(p) <= glob.MaxLen && glob.Match(strings.ToLower(string(p)), setting)
	})
}

// settings is CONFIG's table, by name.
func settings(k *server.Call) [][2]string {
	n, slow := strconv.Itoa, k.Server().Slow().Settings()
	return [][2]string{
		{"appendfsync", k.Config().Served.Fsync},
		{"appendonly", "yes"},
		{"bind", k.Config().Served.Bind},
		{"cluster-enabled", "no"},
		{"databases", "1"},
		{"io-threads", "1"},
		{"latency-monitor-threshold", n(int(slow.Threshold / time.Millisecond))},
		{"maxclients", n(k.Config().Limits.Clients)},
		{"maxmemory", "0"},
		{"maxmemory-policy", "noeviction"},
		{"notify-keyspace-events", ""},
		{"port", n(k.Config().Served.Port)},
		{"proto-max-bulk-len", n(k.Config().Limits.Bulk)},
		{"save", ""},
		{"slowlog-log-slower-than", n(int(slow.SlowerThan / time.Microsecond))},
		{"slowlog-max-len", n(slow.MaxLen)},
		{"timeout", seconds(k.Config().Idle)},
		{"tls-port", n(k.Config().Served.TLSPort)},
	}
}
