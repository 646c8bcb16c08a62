package server

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kvd/replica/acl"
	"kvd/replica/resp"
)

// What takes long is noted here: a command that is answered on its own, or a batch of
// a pipeline, from when the leader is given it until its replies are written. That
// includes the sync that --sync always waits for.

const (
	// slowAfter is from when on something has taken long.
	slowAfter = 10 * time.Millisecond
	// maxSlow and maxSlowBytes bound what is noted, the newest ones.
	maxSlow, maxSlowBytes = 128, 256 << 10
	// maxSlowArgs and maxSlowArg bound what is noted of one.
	maxSlowArgs, maxSlowArg = 32, 128
	// maxSamples is how many seconds LATENCY HISTORY tells of, the newest ones.
	maxSamples = 160
	// slowEvent is what LATENCY calls it.
	slowEvent = "command"
)

// slowlog is what took long at a server.
type slowlog struct {
	mu      sync.Mutex
	entries []slowEntry // oldest first
	bytes   int
	lastID  int64
	samples []sample // oldest first
	most    int64    // milliseconds, of all since the last reset
}

// slowEntry is one thing that took long.
type slowEntry struct {
	id, at     int64 // at: seconds of Unix time
	took       time.Duration
	args       []string
	addr, name string
}

// sample is the longest of one second.
type sample struct{ at, ms int64 }

func (e *slowEntry) bytes() int {
	n := 128 + len(e.addr) + len(e.name)
	for _, a := range e.args {
		n += 16 + len(a)
	}
	return n
}

// note adds an entry, and lets the oldest ones go.
func (s *slowlog) note(e slowEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	e.id = s.lastID - 1
	s.entries, s.bytes = append(s.entries, e), s.bytes+e.bytes()
	for len(s.entries) > maxSlow || s.bytes > maxSlowBytes {
		s.bytes -= s.entries[0].bytes()
		s.entries = slices.Delete(s.entries, 0, 1)
	}
	ms := e.took.Milliseconds()
	s.most = max(s.most, ms)
	if n := len(s.samples); n > 0 && s.samples[n-1].at == e.at {
		s.samples[n-1].ms = max(s.samples[n-1].ms, ms)
		return
	}
	if len(s.samples) == maxSamples {
		s.samples = slices.Delete(s.samples, 0, 1)
	}
	s.samples = append(s.samples, sample{e.at, ms})
}

// newest is up to n entries, the newest first; below zero: all.
func (s *slowlog) newest(n int64) []slowEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.entries)
	slices.Reverse(all)
	if n >= 0 && n < int64(len(all)) {
		all = all[:n]
	}
	return all
}

// timed notes what began then, if it took long.
func (c *conn) timed(began time.Time, args func() []string) {
	now := c.srv.cfg.Now()
	if took := now.Sub(began); took >= slowAfter {
		c.srv.slow.note(slowEntry{at: now.Unix(), took: took, args: args(), addr: c.addr, name: c.profile().name})
	}
}

// slowArgs is the command at hand, as it is noted.
func (k *call) slowArgs() []string {
	var all []string
	for i, a := range k.args {
		switch {
		case len(k.args) > maxSlowArgs && i == maxSlowArgs-1:
			return append(all, "... ("+strconv.Itoa(len(k.args)-i)+" more arguments)")
		case k.secret(i):
			all = append(all, "(redacted)")
		default:
			all = append(all, shortened(string(a[:min(len(a), maxSlowArg)]), len(a)))
		}
	}
	return all
}

// slowArgs is the first command of a batch, whose arguments are gone but for its keys,
// and how many came with it.
func (b *batch) slowArgs() []string {
	for i := range b.steps {
		s := &b.steps[i]
		if s.cmd == nil {
			continue
		}
		all := []string{s.cmd.name}
		for _, r := range b.reqs[s.from:s.to] {
			if key := shortened(r.Key[:min(len(r.Key), maxSlowArg)], len(r.Key)); key != all[len(all)-1] {
				all = append(all, key)
			}
			if len(all) == maxSlowArgs-1 {
				break
			}
		}
		if n := len(b.steps) - 1; n > 0 {
			all = append(all, "... ("+strconv.Itoa(n)+" more commands of the pipeline)")
		}
		return all
	}
	return nil
}

// shortened says how much is missing of what had n bytes.
func shortened(text string, n int) string {
	if n == len(text) {
		return text
	}
	return text + "... (" + strconv.Itoa(n-len(text)) + " more bytes)"
}

func slowCommands() []command {
	const flags = family | admin | alone
	return []command{
		{name: "slowlog", arity: -2, flags: flags | whole, needs: acl.Read | acl.Admin, since: "2.2.12", run: runSlowlog, summary: "Answers what took longer than 10 ms at this leader, the sync of --sync always included; of a pipeline the first command, with its keys alone."},
		{name: "latency", arity: -2, flags: flags, needs: acl.Admin, since: "2.8.13", run: runLatency, summary: "Answers how long what took longer than 10 ms took, by second."},
	}
}

func runSlowlog(k *call) error {
	s, n := &k.srv.slow, int64(10)
	switch {
	case k.is(1, "HELP") && len(k.args) == 2:
		k.help("SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
			"GET [<count>]", "    Answers the newest entries (default: 10, -1: all): number, time, microseconds,", "    arguments, client address, client name.",
			"LEN", "    Answers how many there are.", "RESET", "    Forgets them.", "HELP", "    Prints this help.")
	case k.is(1, "LEN") && len(k.args) == 2:
		k.w.Int(int64(len(s.newest(-1))))
	case k.is(1, "RESET") && len(k.args) == 2:
		s.mu.Lock()
		s.entries, s.bytes = nil, 0
		s.mu.Unlock()
		k.w.Simple("OK")
	case k.is(1, "GET") && len(k.args) <= 3:
		if len(k.args) == 3 {
			var ok bool
			if n, ok = resp.ParseInt(k.args[2]); !ok || n < -1 {
				return resp.Error("ERR count should be greater than or equal to -1")
			}
		}
		k.writeSlow(s.newest(n))
	case k.is(1, "GET"):
		return k.wrongSub()
	default:
		return k.unknownSub()
	}
	return nil
}

func (k *call) writeSlow(all []slowEntry) {
	k.w.Array(len(all))
	for _, e := range all {
		k.w.Array(6)
		k.w.Int(e.id)
		k.w.Int(e.at)
		k.w.Int(e.took.Microseconds())
		writeKeys(k.w, e.args)
		k.w.Text(e.addr)
		k.w.Text(e.name)
	}
}

// help answers lines for people.
func (k *call) help(lines ...string) {
	k.w.Array(len(lines))
	for _, l := range lines {
		k.w.Simple(l)
	}
}

func runLatency(k *call) error {
	s := &k.srv.slow
	s.mu.Lock()
	samples, most := slices.Clone(s.samples), s.most
	s.mu.Unlock()
	switch {
	case k.is(1, "HELP") && len(k.args) == 2:
		k.help("LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
			"LATEST", "    Answers the newest sample of each event, and the longest.",
			"HISTORY <event>", "    Answers the samples of an event; there is '"+slowEvent+"'.",
			"RESET [<event> ...]", "    Forgets samples.",
			"DOCTOR", "    Says in words what the samples show.", "HELP", "    Prints this help.")
	case k.is(1, "LATEST") && len(k.args) == 2:
		k.latest(samples, most)
	case k.is(1, "HISTORY") && len(k.args) == 3:
		if string(k.args[2]) != slowEvent {
			samples = nil
		}
		k.w.Array(len(samples))
		for _, x := range samples {
			k.w.Array(2)
			k.w.Int(x.at)
			k.w.Int(x.ms)
		}
	case k.is(1, "RESET"):
		k.w.Int(s.resetSamples(k.texts(2)))
	case k.is(1, "DOCTOR") && len(k.args) == 2:
		k.w.Lines(doctor(samples, most))
	case k.is(1, "GRAPH"), k.is(1, "HISTOGRAM"):
		return resp.Error("ERR LATENCY " + strings.ToUpper(string(k.args[1])) + " is not supported; /metrics has histograms of what takes time")
	case k.is(1, "LATEST"), k.is(1, "HISTORY"), k.is(1, "DOCTOR"):
		return resp.WrongArity("latency|" + strings.ToLower(string(k.args[1])))
	default:
		return k.unknownSub()
	}
	return nil
}

// latest answers the newest sample and the longest, if there is any.
func (k *call) latest(samples []sample, most int64) {
	if len(samples) == 0 {
		k.w.Array(0)
		return
	}
	x := samples[len(samples)-1]
	k.w.Array(1)
	k.w.Array(4)
	k.w.Text(slowEvent)
	k.w.Int(x.at)
	k.w.Int(x.ms)
	k.w.Int(most)
}

// resetSamples forgets the samples of the events named, or of all, and answers of how
// many events there were some.
func (s *slowlog) resetSamples(events []string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.samples) == 0 || len(events) > 0 && !slices.Contains(events, slowEvent) {
		return 0
	}
	s.samples, s.most = nil, 0
	return 1
}

// doctor says what the samples show.
func doctor(samples []sample, most int64) string {
	if len(samples) == 0 {
		return "Nothing took longer than " + slowAfter.String() + ".\n"
	}
	return "In " + strconv.Itoa(len(samples)) + " of the last seconds something took longer than " + slowAfter.String() + ", at most " + strconv.FormatInt(most, 10) +
		" ms. SLOWLOG GET names it. Under --sync always every write waits for the disk: look at /metrics for how long a sync takes.\n"
}
