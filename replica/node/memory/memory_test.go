package memory

import (
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

// The parts are the total, none is less than it needs, and with more in total none has less.
func TestPartsAreTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(Min, 1<<42).Draw(t, "total")
		p, err := Divide(total, Asked{})
		if err != nil || p.Total() != total {
			t.Fatalf("%+v is %d of %d: %v", p, p.Total(), total, err)
		}
		if p.Clients < minClients || p.Work < minWork || p.MemTable < minMemTable || p.Blocks < minBlocks || p.Objects < minObjects {
			t.Fatalf("too little for a part of %d: %+v", total, p)
		}
		if p.WriteBehind() <= p.MemTable/2 {
			t.Fatalf("batches of %d would be sorted into memtables of %d", p.WriteBehind(), p.MemTable)
		}
		q, err := Divide(total+rapid.Int64Range(64, 1<<40).Draw(t, "more"), Asked{})
		if err != nil || q.Clients < p.Clients || q.Work < p.Work || q.MemTable < p.MemTable || q.Blocks < p.Blocks || q.Objects < p.Objects {
			t.Fatalf("with more %+v became %+v: %v", p, q, err)
		}
	})
}

// What is asked for in particular is given, and what leaves too little is refused.
func TestWhatIsAskedForComesFirst(t *testing.T) {
	p, err := Divide(1<<30, Asked{Objects: 100 * mib, Clients: 70 * mib})
	if err != nil || p.Objects != 100*mib || p.Blocks != 100*mib || p.Clients != 70*mib || p.Total() > 1<<30 {
		t.Errorf("%+v, %v", p, err)
	}
	if p := AtLeast(Min, Asked{Objects: 512 * mib, Clients: 1 << 30}); p.Objects != 512*mib || p.Clients != 1<<30 || p.Total() < 2<<30 {
		t.Errorf("without a total in particular: %+v", p)
	}
	for name, refused := range map[string]struct {
		total int64
		asked Asked
		why   string
	}{
		"too little in all":  {Min - 1, Asked{}, "at least 268435456"},
		"objects and blocks": {1 << 30, Asked{Objects: 512 * mib}, "too few for what is asked"},
		"clients":            {1 << 30, Asked{Clients: 1 << 30}, "too few for what is asked"},
	} {
		if _, err := Divide(refused.total, refused.asked); err == nil || !strings.Contains(err.Error(), refused.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A quarter of the machine is taken, or of what the control groups leave of it.
func TestShareOfTheMachine(t *testing.T) {
	const meminfo = "MemTotal:       16777216 kB\nMemFree:          100 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing is known": {nil, Min},
		"a machine":        {map[string]string{"proc/meminfo": meminfo}, 4 << 30},
		"a small machine":  {map[string]string{"proc/meminfo": "MemTotal: 524288 kB\n"}, Min},
		"nonsense":         {map[string]string{"proc/meminfo": "MemTotal: many kB\n", "sys/fs/cgroup/memory.max": "nonsense"}, Min},
		"a container":      {map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "2147483648\n"}, 512 << 20},
		"no limit":         {map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}, 4 << 30},
		"a group above": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/system.slice/kvd.service\n",
			"sys/fs/cgroup/system.slice/memory.max": "4294967296\n", "sys/fs/cgroup/system.slice/kvd.service/memory.max": "max\n"}, 1 << 30},
		"version 1": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu:/a\n4:memory:/docker/a\n",
			"sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": "3221225472\n"}, 768 << 20},
	} {
		system := fstest.MapFS{}
		for file, text := range c.files {
			system[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := Share(system); got != c.want {
			t.Errorf("%s: %d, expected %d", name, got, c.want)
		}
	}
}
