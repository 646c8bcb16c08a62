package wire_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve"
	"kvd/wallclock"
)

// config is what cmd would assemble.
func config(t testing.TB, maxFrame int) wire.Config {
	t.Helper()
	c := wire.Config{MaxFrame: maxFrame}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

// decoder reads b, greetings and all else.
func decoder(t testing.TB, b []byte) *wire.Decoder {
	d := wire.NewDecoder(bytes.NewReader(b), config(t, 0))
	d.Open()
	return d
}

// run is n ops of origin one after the other, as a leader among three accepts
// them: most over what it had been shown.
func run(origin logical.Origin, from, n int, value func(i int) []byte) []*resolve.Op {
	ops := make([]*resolve.Op, n)
	at, chance := wallclock.Instant(1_790_000_000_000_000_000), rand.New(rand.NewPCG(1, uint64(n)))
	for i := range ops {
		seq := logical.Seq(from + i)
		at += wallclock.Instant(chance.Int64N(200_000))
		wall := wallclock.Around(at, time.Duration(3000+chance.IntN(2000))*time.Microsecond)
		deps := logical.FrontierOf(
			logical.Dot{Origin: origin, Seq: seq - 1},
			logical.Dot{Origin: 0x9be1d2c3a4f50617, Seq: 81_233},
			logical.Dot{Origin: 0xe1c0ffee12345678, Seq: 44_871 + logical.Seq(i/7)})
		ops[i] = &resolve.Op{
			Dot: logical.Dot{Origin: origin, Seq: seq}, Key: fmt.Sprintf("user:%016x", chance.Uint64()), Kind: resolve.Put,
			Value:   value(i),
			Parents: []logical.Dot{{Origin: 0x9be1d2c3a4f50617, Seq: 1 + logical.Seq(chance.IntN(81_000))}},
			Deps:    deps, Wall: wall,
			HLC: logical.HLC{Wall: int64(wall.Midpoint())}, Lamport: logical.Lamport(uint64(seq) + 81_233 + 44_871),
		}
	}
	return ops
}

// noise is n bytes that do not compress, the same for the same i.
func noise(n int) func(int) []byte {
	return func(i int) []byte {
		b, x := make([]byte, n), uint64(i)*0x9e3779b97f4a7c15+1
		for j := range b {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b[j] = byte(x >> 32)
		}
		return b
	}
}

// drawFrontier draws a frontier without an entry of origin skip.
func drawFrontier(t *rapid.T, skip logical.Origin) logical.Frontier {
	var f logical.Frontier
	for _, o := range rapid.SliceOfNDistinct(rapid.Uint64Range(1, 1<<63), 0, 12, rapid.ID[uint64]).Draw(t, "origins") {
		if logical.Origin(o) != skip {
			f.Advance(logical.Dot{Origin: logical.Origin(o), Seq: logical.Seq(rapid.Uint64Range(1, 1<<40).Draw(t, "seq"))})
		}
	}
	return f
}

func drawStatus(t *rapid.T) *replica.Status {
	s := drawWhole(t)
	if rapid.Bool().Draw(t, "syncs later") {
		var synced logical.Frontier
		for d := range s.Frontier.All() {
			if n := rapid.Uint64Range(0, uint64(d.Seq)).Draw(t, "synced"); n > 0 {
				synced.Advance(logical.Dot{Origin: d.Origin, Seq: logical.Seq(n)})
			}
		}
		s.Synced = &synced
	}
	if rapid.Bool().Draw(t, "promises") {
		s.Floor = wallclock.Instant(rapid.Int64Range(1, 1<<62).Draw(t, "floor"))
	}
	return s
}

func drawWhole(t *rapid.T) *replica.Status {
	return &replica.Status{
		Origin:   logical.Origin(rapid.Uint64Range(1, 1<<63).Draw(t, "life")),
		Number:   rapid.Uint64().Draw(t, "number"),
		Frontier: drawFrontier(t, 0),
		Lamport:  logical.Lamport(rapid.Uint64().Draw(t, "lamport")),
		HLC:      logical.HLC{Wall: rapid.Int64().Draw(t, "wall"), Count: rapid.Uint32().Draw(t, "count")},
		Wall:     wallclock.Around(wallclock.Instant(rapid.Int64Range(-1<<61, 1<<61).Draw(t, "shows")), time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "claims"))),
		Echo:     replica.Echo{Origin: logical.Origin(rapid.Uint64().Draw(t, "echo")), Number: rapid.Uint64().Draw(t, "echoed"), Held: time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "held"))},
		Refused:  drawOrigins(t), Shared: drawOrigins(t), Again: drawDots(t),
		Sums: drawSums(t),
	}
}

// drawOrigins draws a list that ascends; nil: an empty one.
func drawOrigins(t *rapid.T) []logical.Origin {
	all := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 1<<63), 0, wire.MaxNotes, rapid.ID[uint64]).Draw(t, "noted")
	slices.Sort(all)
	var out []logical.Origin
	for _, o := range all {
		out = append(out, logical.Origin(o))
	}
	return out
}

func drawDots(t *rapid.T) []logical.Dot {
	var out []logical.Dot
	for range rapid.IntRange(0, wire.MaxNotes).Draw(t, "dots") {
		out = append(out, logical.Dot{Origin: logical.Origin(rapid.Uint64Range(1, 1<<63).Draw(t, "of")), Seq: logical.Seq(rapid.Uint64Range(1, 1<<40).Draw(t, "place"))})
	}
	return out
}

func drawSums(t *rapid.T) []replica.Sum {
	var out []replica.Sum
	for _, d := range append(drawDots(t), drawDots(t)...) {
		out = append(out, replica.Sum{Through: d, Sum: rapid.Uint64().Draw(t, "sum")})
	}
	return out
}

func drawHello(t *rapid.T) *wire.Hello {
	low := rapid.Uint64Range(0, 9).Draw(t, "min")
	return &wire.Hello{
		VersionMin: low, VersionMax: low + rapid.Uint64Range(0, 9).Draw(t, "more"),
		Cluster: rapid.StringN(0, 40, wire.MaxName).Draw(t, "cluster"),
		Leader:  rapid.StringN(1, 40, wire.MaxName).Draw(t, "leader"),
		To:      rapid.StringN(0, 40, wire.MaxName).Draw(t, "to"),
		Origin:  logical.Origin(rapid.Uint64Range(1, 1<<63).Draw(t, "origin")), Nonce: rapid.Uint64().Draw(t, "nonce"),
		Policy: rapid.StringN(0, 400, wire.MaxPolicy).Draw(t, "policy"),
		RESP:   rapid.StringN(0, 30, wire.MaxAddress).Draw(t, "resp"), HTTP: rapid.StringN(0, 30, wire.MaxAddress).Draw(t, "http"),
		Frontier: drawFrontier(t, 0),
	}
}

// drawOps draws ops that a leader could have accepted.
func drawOps(t *rapid.T) []*resolve.Op {
	origin := logical.Origin(rapid.Uint64Range(1, 1<<63).Draw(t, "origin"))
	from := rapid.IntRange(1, 1<<40).Draw(t, "from")
	deps := drawFrontier(t, origin)
	var ops []*resolve.Op
	for i := range rapid.IntRange(1, 30).Draw(t, "ops") {
		seq := logical.Seq(from + i)
		d := deps.Clone()
		d.Advance(logical.Dot{Origin: origin, Seq: seq - 1})
		ops = append(ops, &resolve.Op{
			Dot: logical.Dot{Origin: origin, Seq: seq}, Key: rapid.StringN(1, 20, 60).Draw(t, "key"), Kind: resolve.Put,
			Value: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "value"), Deps: d,
			Wall: wallclock.Around(wallclock.Instant(rapid.Int64Range(0, 1<<60).Draw(t, "at")), 1000),
			HLC:  logical.HLC{Wall: rapid.Int64Range(0, 1<<60).Draw(t, "hlc")}, Lamport: logical.Lamport(seq),
		})
	}
	return ops
}

func benchStatus() *replica.Status {
	op := run(0xabcdef0123456789, 100_001, 1, noise(1))[0]
	return &replica.Status{Origin: op.Dot.Origin, Number: 70_000, Frontier: op.Deps, Lamport: op.Lamport, HLC: op.HLC,
		Wall: op.Wall, Echo: replica.Echo{Origin: op.Dot.Origin, Number: 69_999, Held: time.Millisecond}}
}
