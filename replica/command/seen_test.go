package command

import (
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/resp/batch"
)

// TestSeenGrows: what a client brought and what it was answered are both seen.
func TestSeenGrows(t *testing.T) {
	draw := func(t *rapid.T) replica.Token {
		var dots []logical.Dot
		for o, seq := range rapid.MapOfN(rapid.Uint64Range(1, 9), rapid.Uint64Range(1, 1<<40), 0, 5).Draw(t, "seen") {
			dots = append(dots, logical.Dot{Origin: logical.Origin(o), Seq: logical.Seq(seq)})
		}
		return replica.Token{
			Frontier: logical.FrontierOf(dots...), Lamport: logical.Lamport(rapid.Uint64().Draw(t, "lamport")),
			HLC: logical.HLC{Wall: rapid.Int64().Draw(t, "wall"), Count: rapid.Uint32().Draw(t, "count")},
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		was, now := draw(t), draw(t)
		a := batch.Answer{Requests: []*replica.Request{{Token: was}}, Replies: []replica.Reply{{Token: now}}}
		got := seenBy(&a)
		for _, part := range []replica.Token{was, now} {
			if !got.Frontier.Includes(part.Frontier) || got.Lamport < part.Lamport || got.HLC.Compare(part.HLC) < 0 {
				t.Fatalf("%+v forgets %+v", got, part)
			}
		}
	})
}
