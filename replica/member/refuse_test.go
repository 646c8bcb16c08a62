package member

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/hashicorp/memberlist"
)

func TestDifferencesAreRefusedOnBothSides(t *testing.T) {
	for _, tc := range []struct {
		what   string
		change func(*Config)
	}{
		{"cluster name", func(c *Config) { c.Cluster = "other" }},
		{"protocol", func(c *Config) { c.Protocol = 2 }},
		{"policy digest", func(c *Config) { c.PolicyDigest = "d2" }},
	} {
		t.Run(strings.ReplaceAll(tc.what, " ", "-"), func(t *testing.T) {
			noLeaks(t)
			a := start(t, config("a"))
			cfg := config("b", a.Addr())
			tc.change(&cfg)
			b := start(t, cfg)

			v := b.until("refusal", func(v View) bool { return v.Trouble != nil })
			var r *Refused
			if !errors.As(v.Trouble, &r) || r.What != tc.what || r.Name != "a" || r.Gossip != a.Addr() || r.Ours == r.Theirs {
				t.Errorf("b's trouble is %v, want a refusal for the %s", v.Trouble, tc.what)
			}
			if v.Joined || len(v.Members) != 1 {
				t.Errorf("b was refused and sees %+v", v)
			}
			b.untilLogged("its " + tc.what + " is")
			a.untilLogged("its " + tc.what + " is")
			if v := a.View(); len(v.Members) != 1 {
				t.Errorf("a let b in: %+v", v.Members)
			}
		})
	}
}

func TestGossipKeys(t *testing.T) {
	key := func(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }
	for _, tc := range []struct {
		name         string
		ours, theirs []byte
		met          bool
	}{
		{"same", key(1), key(1), true},
		{"other", key(1), key(2), false},
		{"none-at-newcomer", key(1), nil, false},
		{"none-at-seed", nil, key(1), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			noLeaks(t)
			first := config("a")
			first.GossipKey = tc.ours
			a := start(t, first)
			second := config("b", a.Addr())
			second.GossipKey = tc.theirs
			b := start(t, second)
			if tc.met {
				a.untilStatus("b", Alive)
				return
			}
			v := b.until("trouble", func(v View) bool { return v.Trouble != nil })
			if !strings.Contains(v.Trouble.Error(), "same gossip key") {
				t.Errorf("the trouble names no gossip key: %v", v.Trouble)
			}
			if v := a.View(); len(v.Members) != 1 {
				t.Errorf("a let b in: %+v", v.Members)
			}
		})
	}
}

func TestNameIsTaken(t *testing.T) {
	noLeaks(t)
	a := start(t, config("a"))
	b := start(t, config("b", a.Addr()))
	b.untilStatus("a", Alive)
	for _, seed := range []string{a.Addr(), b.Addr()} {
		cfg := config("a", seed)
		cfg.Origin = 666
		rival := start(t, cfg)
		v := rival.until("refusal", func(v View) bool { return v.Trouble != nil })
		var r *Refused
		if !errors.As(v.Trouble, &r) || r.What != "name" || r.Ours != rival.Addr() || r.Theirs != a.Addr() {
			t.Errorf("the rival's trouble at %s is %v, want a refusal for the name", seed, v.Trouble)
		}
		rival.close()
	}
	for _, n := range []*node{a, b} {
		n.untilLogged(map[*node]string{a: "two live leaders bear the name", b: "Conflicting address for a"}[n])
		if m := n.untilStatus("a", Alive); m.Origin != 0xc0ffee || m.Gossip != a.Addr() {
			t.Errorf("%s now sees %+v", n.cfg.Name, m)
		}
	}
}

// Whoever answers at a member's address and is refused is not that member: its
// answers to probes must not keep the member alive. It need not even join: gossip
// goes on finding it there.
func TestReplacedMemberHasFailed(t *testing.T) {
	for _, joins := range []bool{true, false} {
		t.Run(fmt.Sprintf("joins=%v", joins), func(t *testing.T) {
			noLeaks(t)
			a := start(t, config("a"))
			b := start(t, config("b", a.Addr()))
			at := b.Addr()
			a.untilStatus("b", Alive)
			b.close()

			other := config("b")
			if joins {
				other.Join = []string{a.Addr()}
			}
			other.Bind, other.PolicyDigest = at, "d2"
			b = start(t, other)
			a.untilLogged(`its policy digest is`)
			a.untilStatus("b", Failed)
			b.close()

			back := config("b", a.Addr())
			back.Bind, back.Origin = at, 3
			start(t, back)
			a.until("b as it was", func(v View) bool {
				m, _ := v.Find("b")
				return m.Status == Alive && m.Origin == 3
			})
		})
	}
}

func TestGuard(t *testing.T) {
	ours := config("a")
	g := &guard{name: "a", self: "127.0.0.1:1", tags: ours.tags(), known: map[string]string{}, replaced: map[string]bool{}}
	node := func(name string, port uint16, digest string, state memberlist.NodeStateType) *memberlist.Node {
		cfg := config(name)
		cfg.PolicyDigest = digest
		return &memberlist.Node{Name: name, Addr: net.IPv4(127, 0, 0, 1), Port: port, Meta: encodeTags(cfg.tags()), State: state}
	}
	garbled := node("b", 2, "d1", memberlist.StateAlive)
	garbled.Meta = []byte("role")
	nowhere := node("b", 2, "d1", memberlist.StateAlive)
	nowhere.Addr = nil
	for _, tc := range []struct {
		name  string
		node  *memberlist.Node
		merge bool // let in when two leaders meet
		alive bool // let in when somebody says that it is alive
	}{
		{"equal", node("b", 2, "d1", memberlist.StateAlive), true, true},
		{"different", node("b", 2, "d2", memberlist.StateAlive), false, false},
		{"different and suspect", node("b", 2, "d2", memberlist.StateSuspect), false, false},
		{"different and dead", node("b", 2, "d2", memberlist.StateDead), true, false},
		{"different and gone", node("b", 2, "d2", memberlist.StateLeft), true, false},
		{"our name elsewhere", node("a", 2, "d1", memberlist.StateAlive), false, false},
		{"our name elsewhere, dead", node("a", 2, "d1", memberlist.StateDead), true, false},
		{"our former self", node("a", 1, "d2", memberlist.StateAlive), true, true},
		{"no tags", garbled, false, false},
		{"no address", nowhere, false, false},
		{"a strange name", node("b b", 2, "d1", memberlist.StateAlive), false, false},
	} {
		if err := g.NotifyMerge([]*memberlist.Node{node("z", 9, "d1", memberlist.StateAlive), tc.node}); (err == nil) != tc.merge {
			t.Errorf("%s: merging gives %v", tc.name, err)
		}
		if err := g.NotifyAlive(tc.node); (err == nil) != tc.alive {
			t.Errorf("%s: being alive gives %v", tc.name, err)
		}
	}
}
