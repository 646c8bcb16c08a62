package script_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"kvd/scenarios/script"
)

// world is what generated lines may refer to.
type world struct {
	*rapid.T
	s        *script.Scenario
	clients  []string
	writes   []string
	labels   []string
	backups  []string
	locks    []string
	children int
}

// generate draws a scenario as Parse could have returned it.
func generate(t *rapid.T) *script.Scenario {
	w := &world{T: t, s: &script.Scenario{
		Name:   "generated",
		Model:  script.DefaultModel(),
		Title:  rapid.SampledFrom([]string{"", "One sentence, \"quoted\" = # and all"}).Draw(t, "title"),
		Prose:  rapid.SampledFrom([]string{"", "Prose.\n\nMore -- prose\n"}).Draw(t, "prose"),
		Settle: w0(t),
		Notes:  map[string]script.Notes{},
	}}
	for i := range rapid.IntRange(2, 4).Draw(t, "leaders") {
		w.s.Leaders = append(w.s.Leaders, fmt.Sprintf("n%d", i+1))
	}
	w.s.Notes["leaders"], w.s.Notes["settle"] = w.notes(), w.notes()
	w.peopled()
	w.settled()
	for range w.upTo(4) {
		w.s.Setup = append(w.s.Setup, script.Setup{Notes: w.notes(), Action: w.setup()})
	}
	for range w.upTo(12) {
		w.s.Events = append(w.s.Events, w.event())
	}
	for range w.upTo(6) {
		w.s.Checks = append(w.s.Checks, w.check())
	}
	if w.yes() {
		w.s.Expect = w.table()
	}
	return w.s.Clone() // notes of no lines are left out
}

func w0(t *rapid.T) time.Duration {
	return time.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "settle"))
}

func (w *world) upTo(n int) int                 { return rapid.IntRange(0, n).Draw(w.T, "n") }
func (w *world) yes() bool                      { return rapid.Bool().Draw(w.T, "yes") }
func (w *world) from(names []string) string     { return rapid.SampledFrom(names).Draw(w.T, "name") }
func (w *world) leader() string                 { return w.from(w.s.Leaders) }
func (w *world) client() string                 { return w.from(w.clients) }
func (w *world) span(least int64) time.Duration { return time.Duration(w.number(least, 1e15)) }
func (w *world) signed() time.Duration          { return time.Duration(w.number(-1e15, 1e15)) }
func (w *world) number(low, high int64) int64 {
	return rapid.Int64Range(low, high).Draw(w.T, "number")
}

// text draws bytes of every kind, among them those that must be quoted.
func (w *world) text(least int) string {
	odd := []string{"=", "absent", "as", "#", "--", "for", "a b", "\x00\xff\n", "\u00a0", "\ufffd", `"`, "é", "timeout=1s", "x=y"}
	if w.yes() {
		return w.from(odd)
	}
	return string(rapid.SliceOfN(rapid.Byte(), least, 5).Draw(w.T, "bytes"))
}

func (w *world) notes() script.Notes {
	return rapid.SampledFrom([]script.Notes{nil, nil, {""}, {"# one"}, {"", "#two", "", "# \u00a0"}}).Draw(w.T, "notes")
}

func (w *world) peopled() {
	for i := range rapid.IntRange(1, 3).Draw(w.T, "clients") {
		c := script.Client{Notes: w.notes(), Name: fmt.Sprintf("%c", 'A'+i), At: w.leader(), Session: w.yes()}
		if w.yes() {
			c.Timeout, c.Retry = w.span(1), w.from(append([]string{"", "same", "next"}, w.s.Leaders...))
		}
		w.s.Clients = append(w.s.Clients, c)
		w.clients = append(w.clients, c.Name)
	}
	prefixes := map[string]bool{}
	for range w.upTo(3) {
		p := script.Policy{Notes: w.notes(), Prefix: w.text(0), Resolver: w.from(script.Resolvers()), Pick: w.yes()}
		if !prefixes[p.Prefix] {
			prefixes[p.Prefix] = true
			w.s.Policies = append(w.s.Policies, p)
		}
	}
}

func (w *world) settled() {
	if w.yes() {
		w.s.Shadows = [][]string{{"all"}, {"lww"}, {"counter", "hlc"}}[w.upTo(2)]
		w.s.Notes["shadow"] = w.notes()
	}
	count := func() int { return int(w.number(1, 1000)) }
	unsigned := func() time.Duration { return w.span(0) }
	w.s.Settings = script.Settings{
		GateOps: maybe(w, count), WindowOps: maybe(w, count), BatchOps: maybe(w, count), Waiting: maybe(w, count), MaxSiblings: maybe(w, count), History: maybe(w, count), Pinned: maybe(w, count),
		MaxDrift: maybe(w, unsigned), TokenWait: maybe(w, unsigned),
	}
	if w.s.Settings != (script.Settings{}) {
		w.s.Notes["settings"] = w.notes()
	}
	if w.yes() {
		w.s.Seed, w.s.Notes["seed"] = rapid.Uint64Range(1, 1<<63).Draw(w.T, "seed"), w.notes()
	}
}

func (w *world) setup() script.Action {
	return []func() script.Action{w.clock, w.link, w.partition, w.cut}[w.upTo(3)]()
}

func maybe[T any](w *world, draw func() T) script.Opt[T] {
	if w.yes() {
		return script.Some(draw())
	}
	return script.Opt[T]{}
}

func (w *world) clock() script.Action {
	unsigned := func() time.Duration { return w.span(0) }
	return script.ClockFault{
		Leader:   w.from(append([]string{"*"}, w.s.Leaders...)),
		Offset:   maybe(w, w.signed),
		DriftPPM: maybe(w, func() int64 { return w.number(-999_999, 1_000_000) }),
		Error:    script.Some(unsigned()),
		Step:     maybe(w, w.signed),
		Freeze:   maybe(w, func() time.Duration { return w.span(1) }),
		Strobe:   maybe(w, w.strobe),
	}
}

func (w *world) strobe() script.Strobe {
	if w.yes() {
		return script.Strobe{}
	}
	return script.Strobe{Amplitude: w.span(1), Period: w.span(1)}
}

func (w *world) link() script.Action {
	rate := func() script.Rate { return script.Rate(w.number(0, 1_000_000)) }
	unsigned := func() time.Duration { return w.span(0) }
	f := script.LinkFault{
		Delay: script.Some(unsigned()), Jitter: maybe(w, unsigned),
		Loss: maybe(w, rate), Duplicate: maybe(w, rate), Reorder: maybe(w, rate),
	}
	if w.yes() {
		f.Path = script.Path{From: "n1", To: "n2"}
	}
	return f
}

func (w *world) partition() script.Action {
	sides := [][]string{{w.s.Leaders[0]}, nil}
	sides[1] = append(sides[1], w.s.Leaders[1:]...)
	return script.Partition{Sides: sides}
}

func (w *world) path() script.Path {
	return []script.Path{
		{From: "n2", To: "n1"},
		{From: w.client(), To: w.leader()},
		{From: w.leader(), To: w.client(), Reply: true},
	}[w.upTo(2)]
}

func (w *world) cut() script.Action { return script.Cut{Path: w.path()} }

func (w *world) event() script.Event {
	e := script.Event{Notes: w.notes(), Trigger: w.trigger()}
	if w.yes() {
		op := w.op()
		if op.Kind != script.OpGoto && e.Times() == 1 && w.yes() {
			op.Label = w.fresh("w")
			w.labels = append(w.labels, op.Label)
			if op.Writes() {
				w.writes = append(w.writes, op.Label)
			}
		}
		e.Action = op
		return e
	}
	e.Action = w.fault()
	return e
}

func (w *world) fresh(letter string) string {
	w.children++
	return fmt.Sprintf("%s%d", letter, w.children)
}

func (w *world) trigger() script.Trigger {
	switch n := w.upTo(3); {
	case n == 0 && len(w.labels) > 0:
		return script.After{Label: w.from(w.labels), Plus: w.span(0)}
	case n == 1 && len(w.writes) > 0:
		return script.After{Label: w.from(w.writes), SeenBy: w.leader(), Plus: w.span(0)}
	case n == 2:
		return script.Every{Period: w.span(1), Times: int(w.number(1, 50)), From: w.span(0)}
	}
	return script.At{Time: w.span(0)}
}

func (w *world) op() script.ClientOp {
	kinds := []script.OpKind{script.OpSet, script.OpGet, script.OpDelete, script.OpIncr, script.OpUpdate, script.OpAppend, script.OpGoto, script.OpLock, script.OpUnlock, script.OpExpire, script.OpKeep}
	op := script.ClientOp{Client: w.client(), Kind: rapid.SampledFrom(kinds).Draw(w.T, "kind")}
	switch op.Kind {
	case script.OpGoto:
		op.Leader = w.leader()
		return op
	case script.OpUnlock:
		if len(w.locks) == 0 {
			op.Kind = script.OpGet
			break
		}
		op.Lock = w.from(w.locks)
		return op
	case script.OpLock:
		op.Lock, op.TTL = w.from([]string{"l", "m", "red"}), w.span(1)
		if op.Redlock = op.Lock == "red"; !op.Redlock {
			w.locks = append(w.locks, op.Lock)
		}
		if w.yes() {
			op.Wait = script.Some(w.span(0))
		}
		return op
	}
	if len(w.locks) > 0 && w.yes() {
		op.Lock, op.Fenced = w.from(w.locks), op.Kind != script.OpGet && w.yes()
	}
	op.Key = w.text(1)
	switch op.Kind {
	case script.OpSet:
		op.Value = w.text(0)
	case script.OpAppend:
		op.Value = w.fresh("e")
	case script.OpExpire:
		op.TTL = w.span(1)
	case script.OpIncr, script.OpUpdate:
		op.Amount = w.number(1, 1e12) * (1 - 2*int64(w.upTo(1)))
	}
	if w.yes() {
		op.Timeout, op.Retry = w.span(1), w.from(append([]string{"", "same", "next"}, w.s.Leaders...))
	}
	return op
}

func (w *world) fault() script.Action {
	switch w.upTo(13) {
	case 11:
		return script.Forget{Leader: w.leader()}
	case 0:
		return script.Heal{}
	case 1:
		return script.Heal{Path: w.path()}
	case 2:
		return script.Pause{Leader: w.leader(), For: w.span(1)}
	case 3:
		fates := []script.Unsynced{script.UnsyncedUnstated, script.UnsyncedKeep, script.UnsyncedLose, script.UnsyncedTorn}
		return script.Crash{Leader: w.leader(), Unsynced: rapid.SampledFrom(fates).Draw(w.T, "fate")}
	case 4:
		return script.Restart{Leader: w.leader()}
	case 5:
		return script.Wipe{Leader: w.leader()}
	case 6:
		w.backups = append(w.backups, w.fresh("b"))
		return script.Backup{Leader: w.leader(), Name: w.backups[len(w.backups)-1]}
	case 9:
		states := []script.DiskState{script.DiskFull, script.DiskBroken, script.DiskOK}
		return script.DiskFault{Leader: w.leader(), State: rapid.SampledFrom(states).Draw(w.T, "disk")}
	case 10:
		return script.Rot{Leader: w.leader()}
	case 8:
		return script.Clone{From: w.s.Leaders[0], To: w.s.Leaders[1]}
	case 7:
		if len(w.backups) > 0 {
			return script.Restore{Leader: w.leader(), Name: w.from(w.backups)}
		}
	}
	return w.setup()
}

func (w *world) check() script.Check {
	form := rapid.SampledFrom(script.Checks()).Draw(w.T, "check")
	c := script.Check{Notes: w.notes(), Name: form.Name}
	switch c.Name {
	case script.CheckLost:
		if w.yes() {
			c.Key = w.text(1)
		}
		c.Count = w.number(0, 100)
	case script.CheckDurability:
		c.Count = w.number(0, 100)
	case script.CheckLog:
		c.Count = w.number(1, 100)
	case script.CheckSession:
		c.Client, c.Guarantee = w.client(), script.MonotonicReads
	case script.CheckNoResurrection, script.CheckNoOvercount:
		c.Key = w.text(1)
	case script.CheckValue:
		c.Key, c.Value = w.text(1), maybe(w, func() string { return w.text(0) })
	case script.CheckVisible:
		if len(w.writes) == 0 {
			return script.Check{Name: script.CheckConverged}
		}
		c.First, c.Then = w.from(w.writes), w.from(w.writes)
	}
	if w.yes() {
		c.For = []string{"lww", "causal"}
	}
	return c
}

func (w *world) table() script.Table {
	t := script.Table{Columns: []string{"resolver", w.text(0)}}
	for range w.upTo(3) {
		t.Rows = append(t.Rows, []string{w.text(0), w.text(0)})
	}
	return t
}
