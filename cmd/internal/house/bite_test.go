package house

import (
	"strings"
	"testing"
)

// TestTheRulesBite gives each row files that break it and files that come
// close. A row that nothing breaks here is a failure as well.
func TestTheRulesBite(t *testing.T) {
	bitten := map[string]bool{}
	for _, c := range bites() {
		s, err := parse(c.path, "package p\n"+c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.path, err)
		}
		var found []string
		for _, r := range rows() {
			for _, f := range r.find(s) {
				found = append(found, r.name+": "+f)
				bitten[r.name] = true
			}
		}
		if c.bites == "" && len(found) > 0 {
			t.Errorf("%s %q is fine and was found to break %q", c.path, c.text, found)
		}
		if c.bites != "" && !strings.Contains(strings.Join(found, "\n"), c.bites) {
			t.Errorf("%s %q breaks %q; found %q", c.path, c.text, c.bites, found)
		}
	}
	for _, r := range rows() {
		if !bitten[r.name] {
			t.Errorf("nothing here breaks %q", r.name)
		}
	}
}

// bite is a small file and a part of what must be found; empty: nothing.
type bite struct{ path, text, bites string }

func bites() []bite {
	imports := func(p string) string { return `import _ "` + p + `"` }
	return []bite{
		{"logical/a.go", imports("kvd/wallclock"), "logical knows only"},
		{"logical/a.go", imports("kvd/logicalx"), "logical knows only"},
		{"wallclock/a.go", imports("kvd/logical"), "wallclock knows only"},
		{"resolve/a.go", imports("kvd/logical"), ""},
		{"resolve/a.go", imports("kvd/storage"), "resolve knows only"},
		{"resolve/a_test.go", imports("kvd/storage"), ""},
		{"replica/a.go", imports("kvd/replica/host"), "imports kvd/replica/host"},
		{"replica/a.go", imports("kvd/storage"), "replica alone knows only"},
		{"replica/a.go", imports("kvd/replica/internal/lag"), ""},
		{"replica/internal/lag/a.go", imports("kvd/replica"), "replica/internal knows only"},
		{"replica/internal/lag/a.go", imports("kvd/replica/host"), "replica/internal knows only"},
		{"replica/internal/lag/a.go", imports("kvd/logical"), ""},
		{"storage/a.go", imports("kvd/replica"), "storage knows only"},
		{"storage/a.go", imports("github.com/cockroachdb/pebble/v2/vfs"), ""},
		{"storage/a.go", imports("github.com/cockroachdb/pebble"), "storage brings in"},
		{"replica/console/tally/a.go", imports("kvd/storage"), "replica/console/tally knows only"},
		{"replica/console/page/a.go", imports("kvd/replica/console"), "replica/console/page knows only"},
		{"replica/command/script/a.go", imports("github.com/yuin/gopher-lua/parse"), ""},
		{"replica/command/script/a.go", imports("github.com/yuin/gopher-lua"), "of gopher-lua command/script"},
		{"replica/command/a.go", imports("github.com/yuin/gopher-lua/parse"), "of gopher-lua command/script"},
		{"replica/resp/server/a.go", imports("kvd/replica/command"), "the protocol knows no commands"},
		{"replica/resp/server/a_test.go", imports("kvd/replica/command"), ""},
		{"replica/resp/a.go", imports("kvd/replica"), "replica/resp alone knows only"},
		{"replica/resp/server/a.go", imports("kvd/replica"), ""},
		{"replica/command/a.go", imports("kvd/replica/resp/server"), ""},
		{"replica/command/a.go", imports("kvd/replica/host"), "replica/command knows only"},
		{"replica/wire/a.go", imports("kvd/storage"), "replica/wire knows only"},
		{"replica/wire/a.go", imports("kvd/storage/codec"), ""},
		{"storage/codec/a.go", imports("kvd/storage"), "storage/codec knows only"},
		{"storage/log/a.go", imports("kvd/storage/codec"), "storage/log knows only"},
		{"storage/log/a.go", imports("kvd/storage/disk"), ""},
		{"storage/codec/a.go", imports("github.com/cockroachdb/pebble/v2/vfs"), "storage/codec brings in"},
		{"storage/codec/a.go", imports("github.com/vmihailenco/msgpack/v5"), ""},
		{"replica/host/a.go", imports("kvd/replica/wire"), "replica/host knows only"},
		{"scenarios/world/a.go", imports("kvd/replica/host"), ""},
		{"scenarios/live/a.go", imports("kvd/replica/client/conn"), ""},
		{"scenarios/live/a.go", imports("kvd/replica/client/bench"), "scenarios knows only"},
		{"replica/client/conn/a.go", imports("kvd/replica/resp"), "conn knows nothing of ours"},
		{"scenarios/world/a.go", imports("kvd/replica/resp"), "scenarios knows only"},
		{"replica/client/opfile/a.go", imports("kvd/replica/client"), "opfile knows only"},
		{"replica/client/opfile/a.go", imports("kvd/resolve/blackbox"), ""},
		{"resolve/blackbox/a.go", imports("os"), "imports os"},
		{"scenarios/world/a.go", imports("kvd/scenarios/trace"), ""},
		{"replica/link/a.go", imports("kvd/replica/wire"), ""},
		{"replica/resp/server/a.go", imports("kvd/replica/wire"), "edges do not know"},
		{"replica/console/a.go", imports("kvd/replica/resp"), "edges do not know"},
		{"replica/resp/server/a.go", imports("kvd/replica/resp/internal"), ""},
		{"replica/ledger/a.go", imports("kvd/storage"), "replica/ledger knows only"},
		{"replica/ledger/explain/a.go", imports("kvd/replica/ledger"), ""},
		{"replica/node/internal/acks/a.go", imports("kvd/replica/host"), "acks knows only"},
		{"replica/node/internal/folding/a.go", imports("kvd/replica/member"), "folding knows only"},
		{"replica/node/internal/identity/a.go", imports("kvd/storage"), "identity knows only"},
		{"replica/node/internal/known/a.go", imports("kvd/replica/host"), "known knows only"},
		{"replica/node/internal/feed/a.go", imports("kvd/storage"), "feed knows only"},
		{"replica/node/internal/recovery/a.go", imports("kvd/replica/member"), "recovery knows only"},
		{"replica/node/internal/transfer/a.go", imports("kvd/replica/member"), "transfer knows only"},
		{"replica/node/internal/joining/a.go", imports("kvd/storage"), "joining knows only"},
		{"replica/detect/a.go", imports("kvd/logical"), "detect knows only"},
		{"replica/lease/a.go", imports("kvd/logical"), "lease knows only"},
		{"replica/lease/a.go", `import "time"; var x = time.Now()`, "uses time.Now"},
		{"replica/quorum/a.go", imports("kvd/replica/link"), "quorum knows only"},
		{"replica/node/internal/policies/a.go", imports("kvd/replica/link"), "policies knows only"},
		{"replica/node/internal/locks/a.go", imports("kvd/replica/host"), "locks knows only"},
		{"replica/quorum/a.go", imports("github.com/hashicorp/raft"), ""},
		{"replica/host/a.go", imports("github.com/hashicorp/raft"), "only replica/quorum"},
		{"replica/stable/a.go", imports("kvd/replica"), "stable knows only"},
		{"replica/node/internal/stability/a.go", imports("kvd/replica/wire"), "stability knows only"},
		{"replica/node/internal/monitor/a.go", imports("kvd/replica/host"), "monitor knows only"},
		{"replica/node/internal/repair/a.go", imports("kvd/replica/link"), "repair knows only"},
		{"resolve/rejoin/a.go", imports("kvd/wallclock"), "rejoin knows only"},
		{"storage/riblt/a.go", imports("kvd/logical"), "riblt knows only"},
		{"replica/node/a.go", imports("kvd/replica/node/internal/feed"), ""},
		{"replica/client/a.go", imports("kvd/replica/node"), "only commands start"},
		{"replica/node/internal/returning/a.go", imports("kvd/replica/link"), "returning knows only"},
		{"scenarios/live/a_test.go", imports("kvd/replica/node"), "only commands start"},
		{"replica/resp/a.go", imports("kvd/cmd/internal/cliutil"), "nothing imports cmd"},
		{"cmd/kv/a.go", imports("kvd/cmd/internal/cliutil"), ""},
		{"cmd/kvd/a.go", imports("kvd/replica/node"), ""},
		{"cmd/kvd/a.go", imports("kvd/replica/node/feed"), "cmd knows whole leaders"},
		{"cmd/kv/internal/show/a.go", imports("kvd/replica/client/answers"), ""},
		{"cmd/kv/a.go", imports("kvd/resolve"), "cmd knows whole leaders"},
		{"cmd/kv/a_test.go", imports("kvd/resolve"), ""},
		{"cmd/kv/a.go", imports("kvd/replica/replicatest"), "test doubles"},
		{"cmd/kv/a_test.go", imports("kvd/replica/replicatest"), ""},

		{"resolve/a.go", imports("golang.org/x/exp/slices"), "no other module"},
		{"logical/a.go", imports("net/netip"), "imports net/netip"},
		{"replica/a.go", imports("os"), "imports os"},
		{"replica/a.go", imports("sync/atomic"), "imports sync/atomic"},
		{"replica/internal/lag/a.go", imports("sync"), "imports sync"},
		{"replica/internal/lag/a.go", `import "time"; var x = time.Now()`, "uses time.Now"},
		{"replica/internal/lag/a.go", `func f() { go f() }`, "a go statement"},
		{"replica/host/a.go", imports("sync"), ""},
		{"replica/a.go", imports("slices"), ""},
		{"replica/a.go", `import "time"; var x = time.Now()`, "uses time.Now"},
		{"replica/a.go", `import clock "time"; var x = clock.NewTimer`, "uses time.NewTimer"},
		{"replica/a.go", `import "time"; var x = time.Second`, ""},
		{"wallclock/system.go", `import "time"; var x = time.Now()`, ""},
		{"wallclock/system.go", `import "time"; func f() { time.Sleep(1) }`, "uses time.Sleep"},
		{"wallclock/skewed.go", `import "time"; var x = time.Now()`, "uses time.Now"},
		{"resolve/a.go", `import "math/rand/v2"; var x = rand.IntN(3)`, "uses math/rand/v2.IntN"},
		{"resolve/a.go", `import "math/rand"; var x = rand.Intn(3)`, "uses math/rand.Intn"},
		{"resolve/a.go", `import "math/rand/v2"; func f(r *rand.Rand) int { return r.IntN(3) }`, ""},
		{"replica/a.go", `func f() { go f() }`, "a go statement"},
		{"replica/a.go", `var c chan int`, "a channel"},
		{"replica/a.go", `func f() { select {} }`, "a select"},
		{"replica/host/a.go", `func f() { go f() }`, ""},

		{"cmd/kv/a.go", strings.Repeat("\n", maxFile), "has 401 lines"},
		{"cmd/kv/a.go", strings.Repeat("\n", maxFile-1), ""},
		{"cmd/kv/a_test.go", strings.Repeat("\n", maxFile), ""},
		{"cmd/kv/a.go", "func f() {" + strings.Repeat("\n", maxFunc) + "}", "f has 71 lines"},
		{"cmd/kv/a.go", "func f() {" + strings.Repeat("\n", maxFunc-1) + "}", ""},
		{"cmd/kv/a.go", "func init() {}", "declares init"},
		{"cmd/kv/a.go", "type t int; func (t) init() {}", ""},
		{"cmd/kv/a_test.go", `import "testing"; func TestA(t *testing.T) { t.Skip("later") }`, "skips"},
		{"cmd/kv/a_test.go", `import "testing"; func BenchmarkA(b *testing.B) { b.SkipNow() }`, "skips"},
		{"cmd/kv/a_test.go", `import "testing"; func TestA(t *testing.T) { t.Skipf("needs redis-server: %v", 1) }`, ""},
		{"cmd/kv/a_test.go", `func f(s scanner) { s.Skip() }; type scanner interface{ Skip() }`, ""},
		{"cmd/kv/a_test.go", `import "time"; func f() { time.Sleep(1) }`, "sleeps"},
	}
}
