package admin

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/replica/resp"
	"kvd/replica/resp/glob"
	"kvd/replica/resp/server"
)

type setting struct {
	name, value string
	least, most int64         // of an integer that can change while a leader runs
	apply       func(n int64) // puts one in force; nil: it cannot change
}

// maxMicros is the longest duration in microseconds.
const maxMicros = math.MaxInt64 / int64(time.Microsecond)

// configSet changes settings, all or none, until the leader ends. Of those that cannot
// change it takes what they are already, as tools send it to be sure.
func configSet(k *server.Call) error {
	if len(k.Args)%2 != 0 {
		return resp.ErrSyntax
	}
	var apply []func()
	rows := settings(k)
	for i := 2; i < len(k.Args); i += 2 {
		name, value := strings.ToLower(string(k.Args[i])), string(k.Args[i+1])
		at := slices.IndexFunc(rows, func(row setting) bool { return name == row.name })
		if at < 0 {
			return resp.Error(fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%.128s'", k.Args[i]))
		}
		row := rows[at]
		if row.apply == nil {
			if !strings.EqualFold(value, row.value) {
				return configFailed(name, fmt.Sprintf("can't set immutable config: it is %q, and a leader takes its settings from flags, environment and file when it starts", row.value))
			}
			continue
		}
		n, integer := resp.ParseInt(k.Args[i+1])
		if !integer || n < row.least || n > row.most {
			return configFailed(name, fmt.Sprintf("%.64q is no integer, or out of range; it is %q", value, row.value))
		}
		apply = append(apply, func() { row.apply(n) })
	}
	for _, f := range apply {
		f()
	}
	return k.OK()
}

func configFailed(name, why string) error {
	return resp.Error("ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why)
}

func configResetStat(k *server.Call) error {
	k.Server().ResetStats()
	return k.OK()
}

func configRewrite(*server.Call) error {
	return resp.Error("ERR The server is running without a config file: a leader takes its settings from flags, environment and file when it starts")
}

// configGet answers the settings that clients and tools are known to probe.
func configGet(k *server.Call) error {
	if err := k.AtMost(64); err != nil {
		return err
	}
	hits := slices.DeleteFunc(settings(k), func(row setting) bool { return !asksFor(k, row.name) })
	k.Out.Map(len(hits))
	for _, row := range hits {
		k.Out.Field(row.name).Text(row.value)
	}
	return nil
}

func asksFor(k *server.Call, setting string) bool {
	return slices.ContainsFunc(k.Args[2:], func(p []byte) bool {
		return len(p) <= glob.MaxLen && glob.Match(strings.ToLower(string(p)), setting)
	})
}

func settings(k *server.Call) []setting {
	n, srv, slow := strconv.Itoa, k.Server(), k.Server().Slow.Settings()
	change := func(set func(n int64)) func(int64) {
		return func(n int64) {
			set(n)
			srv.Slow.Set(slow)
		}
	}
	return []setting{
		{name: "appendfsync", value: k.Config().Served.Fsync},
		{name: "appendonly", value: "yes"},
		{name: "bind", value: k.Config().Served.Bind},
		{name: "cluster-enabled", value: "no"},
		{name: "databases", value: "1"},
		{name: "io-threads", value: "1"},
		{"latency-monitor-threshold", strconv.FormatInt(slow.Threshold.Milliseconds(), 10), 0, maxMicros / 1000,
			change(func(n int64) { slow.Threshold = time.Duration(n) * time.Millisecond })},
		{"maxclients", n(srv.MaxClients()), 1, math.MaxInt32, func(n int64) { srv.SetMaxClients(int(n)) }},
		{name: "maxmemory", value: "0"},
		{name: "maxmemory-policy", value: "noeviction"},
		{name: "notify-keyspace-events"},
		{name: "port", value: n(k.Config().Served.Port)},
		{name: "proto-max-bulk-len", value: n(k.Config().Limits.Bulk)},
		{name: "save"},
		{"slowlog-log-slower-than", strconv.FormatInt(slow.SlowerThan.Microseconds(), 10), -1, maxMicros,
			change(func(n int64) { slow.SlowerThan = time.Duration(n) * time.Microsecond })},
		{"slowlog-max-len", n(slow.MaxLen), 0, math.MaxInt32, change(func(n int64) { slow.MaxLen = int(n) })},
		{"timeout", seconds(srv.Idle()), 0, math.MaxInt32, func(n int64) { srv.SetIdle(time.Duration(n) * time.Second) }},
		{name: "tls-port", value: n(k.Config().Served.TLSPort)},
	}
}
