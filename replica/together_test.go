package replica_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"kvd/replica"
	"kvd/replica/internal/budget"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// moves is what takes a value from a key to another: one look and two writes, all
// or none.
func moves(from, to string, room *replica.Budget) []replica.Input {
	var value []byte
	pick := decided(from, func(p replica.Present) (replica.Write, error) {
		value = p.Reading.Values[0]
		return replica.Write{Verb: replica.Get}, nil
	})
	asked := 0
	put := decided(to, func(replica.Present) (replica.Write, error) {
		if asked++; asked == 2 && room != nil {
			room.Made = budget.MaxMade + 1 // as if what was stored by now were much
		}
		return replica.Write{Verb: replica.Set, Value: value}, nil
	})
	pick.Keeps = true
	g := &replica.Together{Requests: []*replica.Request{pick, put, decided(from, writes(replica.Write{Verb: replica.Remove}))}}
	in := make([]replica.Input, 0, len(g.Requests))
	for _, q := range g.Requests {
		q.Together, q.Budget = g, room
		in = append(in, q)
	}
	return in
}

// Whatever would refuse one of several requests refuses all of them, with the same
// error, and nothing of them is stored.
func TestTogetherAllOrNothing(t *testing.T) {
	cfg := config("n1")
	cfg.Policy.Rules = []resolve.Rule{{Prefix: "c:", Resolver: resolve.Counter}}
	for name, c := range map[string]struct {
		from, to string
		room     *replica.Budget
		refuse   bool
		want     error
	}{
		"done":              {from: "x", to: "y"},
		"done within room":  {from: "x", to: "y", room: &replica.Budget{Bytes: 8}},
		"refused by a key":  {from: "x", to: "c:y", want: resolve.ErrNotInteger},
		"too long a name":   {from: "x", to: strings.Repeat("k", limits.Key+1), want: replica.ErrBadRequest},
		"no writes":         {from: "x", to: "y", refuse: true, want: replica.ErrReadOnly},
		"no room to read":   {from: "x", to: "y", room: &replica.Budget{Bytes: 3}, want: replica.ErrBudget},
		"no room to write":  {from: "x", to: "y", room: &replica.Budget{Bytes: 7}, want: replica.ErrBudget},
		"room found closed": {from: "x", to: "y", room: &replica.Budget{Bytes: 99, Need: 1}, want: replica.ErrBudget},
	} {
		n := newNode(t, cfg, 7)
		n.ask(set("x", "word"))
		if c.refuse {
			n.cycle(replica.RefuseWrites{Why: replica.Refusal{Cause: "test", Detail: "no"}})
		}
		out := n.cycle(moves(c.from, c.to, c.room)...)
		for i, rep := range out.Replies {
			if !errors.Is(rep.Err, c.want) || c.want == nil && (rep.Err != nil || rep.Dot.IsZero() != (i == 0)) {
				t.Errorf("%s: reply %d is %+v, want %v", name, i, rep, c.want)
			}
		}
		shows := fmt.Sprintf("%s%s", n.ask(get("x")).Shown.Values, n.ask(get("y")).Shown.Values)
		if want := map[bool]string{true: "[][word]", false: "[word][]"}[c.want == nil]; shows != want || len(out.Replies) != 3 {
			t.Errorf("%s: the keys show %s after %d replies", name, shows, len(out.Replies))
		}
	}
}

// What is made and finds no room is not made again and again: in a transaction, which
// goes on behind it, others would wait for all of it.
func TestWhatIsMadeInVainIsBounded(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	made, room := 0, &replica.Budget{Bytes: 1 << 20, Each: true}
	large := make([]byte, limits.Value)
	var in []replica.Input
	for i := range 20 {
		q := decided(fmt.Sprint(i), func(replica.Present) (replica.Write, error) {
			made++
			return replica.Write{Verb: replica.Set, Value: large}, nil
		})
		q.Budget = room
		in = append(in, q)
	}
	for _, rep := range n.cycle(in...).Replies {
		if !errors.Is(rep.Err, replica.ErrBudget) {
			t.Errorf("a reply is %+v", rep)
		}
	}
	if most := budget.MaxVain/limits.Value + 1; made > most {
		t.Errorf("%d large values were made, %d are enough", made, most)
	}
}
