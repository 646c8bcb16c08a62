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
	"kvd/replica/resp/slowlog"
)

// A setter checks a new value and answers what puts it in force.
type setter func(k *server.Call, n int64) (apply func(), ok bool)

// setters are the settings that can change while a leader runs. All are integers.
var setters = map[string]setter{
	"slowlog-log-slower-than": func(k *server.Call, n int64) (func(), bool) {
		return func() {
			setSlow(k, func(s *slowlog.Settings) { s.SlowerThan = time.Duration(n) * time.Microsecond })
		}, n >= -1 && n <= maxMicros
	},
	"slowlog-max-len": func(k *server.Call, n int64) (func(), bool) {
		return func() { setSlow(k, func(s *slowlog.Settings) { s.MaxLen = int(n) }) }, n >= 0 && n <= math.MaxInt32
	},
	"latency-monitor-threshold": func(k *server.Call, n int64) (func(), bool) {
		return func() {
			setSlow(k, func(s *slowlog.Settings) { s.Threshold = time.Duration(n) * time.Millisecond })
		}, n >= 0 && n <= maxMicros/1000
	},
	"timeout": func(k *server.Call, n int64) (func(), bool) {
		return func() { k.Server().SetIdle(time.Duration(n) * time.Second) }, n >= 0 && n <= math.MaxInt32
	},
	"maxclients": func(k *server.Call, n int64) (func(), bool) {
		return func() { k.Server().SetMaxClients(int(n)) }, n >= 1 && n <= math.MaxInt32
	},
}

// maxMicros is the longest duration in microseconds.
const maxMicros = math.MaxInt64 / int64(time.Microsecond)

func setSlow(k *server.Call, change func(*slowlog.Settings)) {
	s := k.Server().Slow().Settings()
	change(&s)
	k.Server().Slow().Set(s)
}

// configSet changes settings, all or none, until the leader ends. Of those that cannot
// change it takes what they are already, as tools send it to be sure.
func configSet(k *server.Call) error {
	if len(k.Args)%2 != 0 {
		return resp.ErrSyntax
	}
	var apply []func()
	for i := 2; i < len(k.Args); i += 2 {
		name, value := strings.ToLower(string(k.Args[i])), string(k.Args[i+1])
		at := slices.IndexFunc(settings(k), func(row [2]string) bool { return name == row[0] })
		if at < 0 {
			return resp.Error(fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%.128s'", k.Args[i]))
		}
		was, set := settings(k)[at][1], setters[name]
		if set == nil {
			if !strings.EqualFold(value, was) {
				return configFailed(name, fmt.Sprintf("can't set immutable config: it is %q, and a leader takes its settings from flags, environment and file when it starts", was))
			}
			continue
		}
		n, integer := resp.ParseInt(k.Args[i+1])
		f, ok := set(k, n)
		if !integer || !ok {
			return configFailed(name, fmt.Sprintf("%.64q is no integer, or out of range; it is %q", value, was))
		}
		apply = append(apply, f)
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
		{"latency-monitor-threshold", strconv.FormatInt(slow.Threshold.Milliseconds(), 10)},
		{"maxclients", n(k.Server().MaxClients())},
		{"maxmemory", "0"},
		{"maxmemory-policy", "noeviction"},
		{"notify-keyspace-events", ""},
		{"port", n(k.Config().Served.Port)},
		{"proto-max-bulk-len", n(k.Config().Limits.Bulk)},
		{"save", ""},
		{"slowlog-log-slower-than", strconv.FormatInt(slow.SlowerThan.Microseconds(), 10)},
		{"slowlog-max-len", n(slow.MaxLen)},
		{"timeout", seconds(k.Server().Idle())},
		{"tls-port", n(k.Config().Served.TLSPort)},
	}
}
