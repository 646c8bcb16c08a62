package admin

import (
	"slices"
	"strconv"
	"strings"

	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

const slowEvent = "command"

// Slow is the rows that show what others send and what took long.
func Slow() []server.Command {
	const flags = server.Admin | server.Exclusive
	return []server.Command{
		{Name: "slowlog", Arity: -2, Flags: flags | server.AllKeys, Needs: acl.Read | acl.Admin, Since: "2.2.12", Runs: slowlogRuns, Summary: "Answers what took longer than 10 ms at this leader, the sync of --sync always included; of a pipeline the first command, with its keys alone.",
			Subs: map[string]int{
				"get": -2, "help": 2, "len": 2, "reset": 2,
			}, Help: []string{
				"GET [<count>]", "    Answers the newest entries (default: 10, -1: all): number, time, microseconds,",
				"    arguments, client address, client name.", "LEN", "    Answers how many there are.", "RESET", "    Forgets them.",
			}},
		{Name: "monitor", Arity: 1, Flags: server.Admin | server.Exclusive | server.NoMulti | server.AllKeys, Needs: server.MonitorRoles, Since: "1.0.0", Run: server.Monitor, Summary: "Shows every command that clients send to this leader, until RESET. Passwords are left out, long arguments are cut, and who takes the lines too slowly is told how many were left out."},
		{Name: "latency", Arity: -2, Flags: flags, Needs: acl.Admin, Since: "2.8.13", Runs: latencyRuns, Summary: "Answers how long what took longer than 10 ms took, by second.",
			Subs: map[string]int{
				"doctor": 2, "graph": 3, "help": 2, "histogram": -2, "history": 3, "latest": 2, "reset": -2,
			}, Help: []string{
				"LATEST", "    Answers the newest sample of each event, and the longest.", "HISTORY <event>",
				"    Answers the samples of an event; there is '", "'.", "RESET [<event> ...]", "    Forgets samples.", "DOCTOR",
				"    Says in words what the samples show.",
			}},
	}
}

var slowlogRuns = server.Runs{
	"len":   func(k *server.Call) error { k.Out.Int(int64(k.Server().Slow.Len())); return nil },
	"reset": func(k *server.Call) error { k.Server().Slow.Reset(); return k.OK() },
	"get":   slowlogGet,
}

func slowlogGet(k *server.Call) error {
	n, ok := int64(10), true
	switch {
	case len(k.Args) > 3:
		return k.WrongSub()
	case len(k.Args) == 3:
		if n, ok = resp.ParseInt(k.Args[2]); !ok || n < -1 {
			return resp.Error("ERR count should be greater than or equal to -1")
		}
	}
	all := k.Server().Slow.Newest(n)
	k.Out.Array(len(all))
	for _, e := range all {
		k.Out.Array(6)
		k.Out.Int(e.ID)
		k.Out.Int(e.At)
		k.Out.Int(e.Took.Microseconds())
		k.Out.Texts(e.Args)
		k.Out.Text(e.Addr)
		k.Out.Text(e.Name)
	}
	return nil
}

var latencyRuns = server.Runs{
	"latest":    latencyLatest,
	"history":   latencyHistory,
	"reset":     latencyReset,
	"doctor":    latencyDoctor,
	"graph":     noLatency,
	"histogram": noLatency,
}

func noLatency(k *server.Call) error {
	return resp.Error("ERR LATENCY " + strings.ToUpper(string(k.Args[1])) + " is not supported; /metrics has histograms of what takes time")
}

func latencyHistory(k *server.Call) error {
	samples, _ := k.Server().Slow.Samples()
	if string(k.Args[2]) != slowEvent {
		samples = nil
	}
	k.Out.Array(len(samples))
	for _, x := range samples {
		k.Out.Array(2)
		k.Out.Int(x.At)
		k.Out.Int(x.MS)
	}
	return nil
}

func latencyReset(k *server.Call) error {
	names := k.Texts(2)
	named := len(names) == 0 || slices.Contains(names, slowEvent)
	k.Out.Int(resp.Flag(named && k.Server().Slow.ResetSamples()))
	return nil
}

// latencyLatest answers the newest sample and the longest, if there is any.
func latencyLatest(k *server.Call) error {
	samples, longest := k.Server().Slow.Samples()
	if len(samples) == 0 {
		k.Out.Array(0)
		return nil
	}
	x := samples[len(samples)-1]
	k.Out.Array(1)
	k.Out.Array(4)
	k.Out.Text(slowEvent)
	k.Out.Int(x.At)
	k.Out.Int(x.MS)
	k.Out.Int(longest)
	return nil
}

func latencyDoctor(k *server.Call) error {
	samples, longest := k.Server().Slow.Samples()
	threshold := k.Server().Slow.Settings().Threshold
	switch {
	case len(samples) == 0 && threshold == 0:
		k.Out.Lines("Nothing is sampled: latency-monitor-threshold is 0.\n")
	case len(samples) == 0:
		k.Out.Lines("Nothing took longer than " + threshold.String() + ".\n")
	default:
		k.Out.Lines("In " + strconv.Itoa(len(samples)) + " of the last seconds something took longer than " + threshold.String() + ", at most " + strconv.FormatInt(longest, 10) +
			" ms. SLOWLOG GET names it. Under --sync always every write waits for the disk: look at /metrics for how long a sync takes.\n")
	}
	return nil
}
