package member

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestSnapshotRejoin(t *testing.T) {
	for _, leaves := range []bool{true, false} {
		t.Run(fmt.Sprintf("leaves=%v", leaves), func(t *testing.T) {
			noLeaks(t)
			path := filepath.Join(t.TempDir(), "members")
			a := start(t, config("a"))
			cfg := config("b", a.Addr())
			cfg.SnapshotPath = path
			b := start(t, cfg)
			b.untilStatus("a", Alive)
			a.untilStatus("b", Alive)
			if leaves {
				if err := b.Leave(t.Context()); err != nil {
					t.Error(err)
				}
				a.untilStatus("b", Left)
			}
			b.close()
			if !leaves {
				a.untilStatus("b", Failed)
			}

			cfg.Join, cfg.Origin = nil, 2 // at another port, in another incarnation, told of nobody
			b = start(t, cfg)
			b.untilStatus("a", Alive)
			a.until("b's second incarnation", func(v View) bool {
				m, ok := v.Find("b")
				return ok && m.Status == Alive && m.Origin == 2 && m.Gossip == b.Addr()
			})
			b.close()
			if content, err := os.ReadFile(path); err != nil || string(content) != "a "+a.Addr()+"\n" {
				t.Errorf("b remembers %q, %v; want a once", content, err)
			}
		})
	}
}

// All of a cluster was stopped, and nobody is told of anybody: what each
// remembers must be enough, whoever comes up first.
func TestSnapshotOutlivesTheWholeCluster(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	names := []string{"a", "b", "c"}
	configs := map[string]Config{}
	seed := ""
	var nodes []*node
	for _, name := range names {
		cfg := config(name)
		cfg.SnapshotPath = filepath.Join(dir, name)
		if seed != "" {
			cfg.Join = []string{seed}
		}
		n := start(t, cfg)
		nodes, seed = append(nodes, n), n.Addr()
		cfg.Bind, cfg.Join, cfg.Origin = n.Addr(), nil, 2
		configs[name] = cfg
	}
	all := func(v View) bool { return len(v.Members) == 3 }
	for _, n := range nodes {
		n.until("all", all)
	}
	for _, n := range nodes {
		if err := n.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		n.close()
	}

	first := start(t, configs["a"])
	v := first.until("trouble", func(v View) bool { return v.Trouble != nil })
	if v.Joined {
		t.Error("joined, with nobody there")
	}
	first.close() // and forgets nobody by having met nobody
	for _, name := range names {
		nodes = append(nodes, start(t, configs[name]))
	}
	for _, n := range nodes[3:] {
		n.until("all alive in their second incarnation", func(v View) bool {
			alive := 0
			for _, m := range v.Members {
				if m.Status == Alive && m.Origin == 2 {
					alive++
				}
			}
			return alive == 3
		})
	}
}

// Of a snapshot that was cut short, or has zeros behind, the lines that are whole
// are taken; what it was is kept beside it.
func TestDamagedSnapshotIsMadeAnew(t *testing.T) {
	for _, text := range []string{"b 127.0.0.1:1\nc 127.0", "b 127.0.0.1:1\n\x00\x00\x00", "b 127.0.0.1:1\n{\"c\":1}\n"} {
		path := filepath.Join(t.TempDir(), "members")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		past, damaged, err := loadSnapshot(path)
		if err != nil || len(past) != 1 || past[0] != (knownMember{"b", "127.0.0.1:1"}) {
			t.Errorf("%q gave %v, %v", text, past, err)
		}
		if kept, err := os.ReadFile(damaged); err != nil || string(kept) != text {
			t.Errorf("%q is kept as %q, %v", text, kept, err)
		}
	}
	noLeaks(t)
	cfg := config("a")
	cfg.Logger, cfg.SnapshotPath = slog.New(slog.DiscardHandler), filepath.Join(t.TempDir(), "members")
	if err := os.WriteFile(cfg.SnapshotPath, []byte("\x00\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Start(cfg, func(View) {})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}
