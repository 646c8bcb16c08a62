package link

import (
	"net"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/replica"
	"kvd/replica/wire"
	"kvd/resolve"
)

func TestValidateNamesTheField(t *testing.T) {
	good := settings("a")
	good.Listener = &net.TCPListener{}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*Config){
		"Name":             func(c *Config) { c.Name = "" },
		"Name ":            func(c *Config) { c.Name = " a" },
		"Cluster":          func(c *Config) { c.Cluster = strings.Repeat("x", 300) },
		"Policy":           func(c *Config) { c.Policy = "\xff" },
		"Origin":           func(c *Config) { c.Origin = 0 },
		"Listener":         func(c *Config) { c.Listener = nil },
		"MaxFrame":         func(c *Config) { c.MaxFrame = 1 },
		"FrameBytes":       func(c *Config) { c.FrameBytes = 0 },
		"SendQueueBytes":   func(c *Config) { c.SendQueueBytes = 0 },
		"Window":           func(c *Config) { c.Window = 0 },
		"MaxGreetings":     func(c *Config) { c.MaxGreetings = 0 },
		"IdleTimeout":      func(c *Config) { c.IdleTimeout = 0 },
		"HandshakeTimeout": func(c *Config) { c.HandshakeTimeout = -1 },
		"Backoff":          func(c *Config) { c.Backoff.Max = 0 },
		"CertNames":        func(c *Config) { c.CertNames = true },
	} {
		c := good
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(field)) {
			t.Errorf("%s spoiled: %v", field, err)
		}
	}
}

// Rests stay within their bounds, and spread.
func TestRestIsFullJitter(t *testing.T) {
	b := Backoff{Min: 10 * time.Millisecond, Max: 100 * time.Millisecond, Refused: time.Second}
	most := []time.Duration{10, 20, 40, 80, 100, 100}
	for range 200 {
		var r rest
		for i, m := range most {
			if d := r.next(b, nil); d < 0 || d > m*time.Millisecond {
				t.Fatalf("rest %d is %s, at most %s", i, d, m*time.Millisecond)
			}
		}
		r = rest{failures: 1000}
		if d := r.next(b, nil); d > b.Max {
			t.Fatalf("after a thousand failures %s", d)
		}
		if d := r.next(b, &RefusedError{Reason: wire.OtherPolicy}); d < b.Refused/2 || d > b.Refused {
			t.Fatalf("after a lasting refusal %s", d)
		}
		if d := r.next(b, &RefusedError{Reason: wire.NotAMember}); d > b.Max {
			t.Fatalf("after a passing refusal %s", d)
		}
	}
	r := rest{failures: 5}
	if r.lived(b.Max/2, b); r.failures != 5 {
		t.Error("a connection that broke at once was forgiven")
	}
	if r.lived(b.Max, b); r.failures != 0 {
		t.Error("a connection that lasted was not forgiven")
	}
}

func TestPolicyDifference(t *testing.T) {
	say := func(a, b resolve.Policy) string {
		return policyDifference(&wire.Hello{Leader: "a", Policy: a.String()}, &wire.Hello{Leader: "b", Policy: b.String()})
	}
	rules := func(r ...resolve.Rule) resolve.Policy { return resolve.Policy{Rules: r} }
	for _, c := range []struct {
		a, b resolve.Policy
		want string
	}{
		{rules(), resolve.Policy{Default: resolve.HLC}, "* is lww at a and hlc at b; "},
		{rules(resolve.Rule{Prefix: "x=1 \"y", Resolver: resolve.Causal}), rules(), `"x=1 \"y" is causal at a and not named at b; `},
		{rules(resolve.Rule{Prefix: "a", Resolver: resolve.Causal}, resolve.Rule{Prefix: "b", Resolver: resolve.HLC}),
			rules(resolve.Rule{Prefix: "a", Resolver: resolve.Siblings}, resolve.Rule{Prefix: "b", Resolver: resolve.HLC}),
			`"a" is causal at a and siblings at b; `},
	} {
		if got := say(c.a, c.b); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Whatever is written there, telling policies apart ends and does not panic.
func TestPolicyRulesOfAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune(`*= "\axé`))).Draw(rt, "text")
		policyRules(text)
	})
}

// Under any mix of messages and takings the queue stays within its limit and one
// batch, its count of bytes is exact, ops leave in order, each once however often it
// comes while it waits, and of statuses the newest leaves.
func TestQueueLaws(t *testing.T) {
	n := &node{mesh: &Mesh{cfg: Config{Origin: 5}}}
	rapid.Check(t, func(rt *rapid.T) {
		q := queue{limit: 3000}
		q.start(1 << 30)
		next, number := 1, uint64(0)
		var out []int
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0, 1:
				k := rapid.IntRange(1, 5).Draw(rt, "ops")
				if before := q.dropped.Full; func() bool {
					q.offer(n.batch(rapid.IntRange(len(out)+1, next).Draw(rt, "again from"), next+k-1, 100), fate{n: 1})
					return q.dropped.Full == before
				}() {
					next += k
				}
			case 2:
				number++
				q.offer(n.status(number), fate{n: 1})
			case 3:
				s, ops := q.next(time.Time{})
				if s != nil && s.Number != number {
					rt.Fatalf("status %d left, %d is the newest", s.Number, number)
				}
				if len(ops) > 0 {
					took := rapid.IntRange(1, len(ops)).Draw(rt, "took")
					for _, op := range ops[:took] {
						out = append(out, int(op.Dot.Seq))
					}
					q.took(took)
				}
			}
			checkQueue(rt, &q)
		}
		for i, s := range out {
			if s != i+1 {
				rt.Fatalf("op %d left at place %d", s, i+1)
			}
		}
	})
}

func checkQueue(t *rapid.T, q *queue) {
	sum, last := 0, 0
	for _, p := range q.batches {
		last = 0
		for _, op := range p.ops {
			last += op.Footprint()
		}
		sum += last
	}
	if sum != q.bytes || sum-last >= q.limit && sum > last {
		t.Fatalf("%d bytes counted, %d there, the last batch %d, the limit %d", q.bytes, sum, last, q.limit)
	}
}

// What is under way is what waits, less the parts of it that were written, and what the
// peer has not given credit back for.
func TestQueueCountsWhatIsUnderWay(t *testing.T) {
	q := queue{limit: 1 << 20}
	q.start(10_000)
	q.offer((&node{mesh: &Mesh{cfg: Config{Origin: 5}}}).batch(1, 2, 500), fate{n: 1})
	all, one := q.bytes, wire.Charge(q.batches[0].ops[:1])
	if q.underway() != all {
		t.Errorf("%d of %d are under way", q.underway(), all)
	}
	if q.wrote(300); q.underway() != all-300 {
		t.Errorf("%d of %d are under way when 300 were written", q.underway(), all)
	}
	if q.took(1); q.underway() != all {
		t.Errorf("%d of %d are under way when the first was sent", q.underway(), all)
	}
	if q.grant(uint64(one), 10_000); q.underway() != all-one {
		t.Errorf("%d of %d are under way when the first was applied", q.underway(), all)
	}
	if q.stop(); q.underway() != 0 {
		t.Errorf("%d are under way to a peer that is down", q.underway())
	}
}

func TestQueueCreditIsNeverAboveTheWindow(t *testing.T) {
	var q queue
	q.start(100)
	if q.grant(1, 100) {
		t.Error("credit above the window was taken")
	}
	one := (&node{mesh: &Mesh{cfg: Config{Origin: 5}}}).batch(1, 1, 10).Ops
	q.batches = []parcel{{one, wire.Charge(one)}}
	charge := wire.Charge(q.batches[0].ops)
	q.took(1)
	if !q.grant(uint64(charge), 100) || q.credit != 100 || q.grant(1<<63, 100) {
		t.Errorf("credit %d after all was given back", q.credit)
	}
}

func TestQueueKeepsTheNewerOfTwoStatuses(t *testing.T) {
	var q queue
	q.start(1)
	for _, s := range []replica.Status{{Origin: 1, Number: 2}, {Origin: 1, Number: 1}} {
		q.offer(&s, fate{n: 1})
	}
	if s, _ := q.next(time.Time{}); s.Number != 2 {
		t.Errorf("status %d replaced 2", s.Number)
	}
	for _, s := range []replica.Status{{Origin: 1, Number: 2}, {Origin: 9, Number: 1}} {
		q.offer(&s, fate{n: 1})
	}
	if s, _ := q.next(time.Time{}); s.Origin != 9 {
		t.Errorf("a status of an old life replaced one of the new")
	}
}
