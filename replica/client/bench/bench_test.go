package bench

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/client/conn"
	"kvd/replica/resp/token"
)

// server answers what a load asks, over pipes and in virtual time.
type server struct {
	mu      sync.Mutex
	running sync.WaitGroup
	began   time.Time
	each    time.Duration                           // a command takes
	stall   func(after time.Duration) time.Duration // more, for a command that comes then
	refuse  string
	values  map[string]string
	counts  map[string]int
	keys    map[string]bool
	tokens  []string // the words of every KVD.SET behind its name
}

func newServer() *server {
	return &server{began: time.Now(), each: time.Millisecond, values: map[string]string{}, counts: map[string]int{}, keys: map[string]bool{}}
}

func (s *server) dial(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	s.running.Go(func() { s.serve(far) })
	return near, nil
}

func (s *server) serve(nc net.Conn) {
	defer nc.Close()
	in := bufio.NewReaderSize(nc, 4*conn.BufferBytes)
	for {
		words, err := read(in)
		if err != nil {
			return
		}
		wait := s.each
		if s.stall != nil {
			wait += s.stall(time.Since(s.began))
		}
		<-time.After(wait)
		reply := s.answer(words)
		// A client writes a whole group before it reads: so does nobody block.
		if _, err := io.WriteString(nc, reply); err != nil {
			return
		}
	}
}

func read(in *bufio.Reader) ([]string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	var words []string
	for range n {
		if line, err = in.ReadString('\n'); err != nil {
			return nil, err
		}
		size, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
		b := make([]byte, size+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		words = append(words, string(b[:size]))
	}
	return words, err
}

func (s *server) answer(words []string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[words[0]]++
	if s.refuse != "" {
		return "-" + s.refuse + "\r\n"
	}
	if len(words) > 1 {
		s.keys[words[1]] = true
	}
	switch words[0] {
	case "SET":
		s.values[words[1]] = words[2]
		return "+OK\r\n"
	case "KVD.SET":
		s.tokens = append(s.tokens, words[1:]...)
		return "*4\r\n+dot\r\n$3\r\nn-1\r\n+token\r\n$1\r\nt\r\n"
	case "INCR":
		return ":1\r\n"
	case "AUTH":
		return "+OK\r\n"
	}
	v, ok := s.values[words[1]]
	if !ok {
		return "$-1\r\n"
	}
	return "$" + strconv.Itoa(len(v)) + "\r\n" + v + "\r\n"
}

func config(s *server) Config {
	return Config{Dial: s.dial, Op: Set, Clients: 1, Pipeline: 1, Size: 10, Keys: 100, Prefix: "p:", Requests: 100, Seed: 1, Timeout: time.Minute}
}

// in runs a load in virtual time.
func in(t *testing.T, do func(t *testing.T, s *server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		do(t, s)
		s.running.Wait()
	})
}

func TestEveryRequestIsCountedOnce(t *testing.T) {
	for _, op := range []Op{Set, Get, Incr, Mixed} {
		for _, pipeline := range []int{1, 16} {
			in(t, func(t *testing.T, s *server) {
				cfg := config(s)
				cfg.Op, cfg.Pipeline, cfg.Clients, cfg.Requests = op, pipeline, 7, 1000
				r, err := Run(t.Context(), cfg)
				if err != nil || r.Requests != 1000 || r.Latency.Count != 1000 || r.Refused != 0 {
					t.Fatalf("%s: %+v, %v", op, r, err)
				}
				sets, gets, incrs := s.counts["SET"], s.counts["GET"], s.counts["INCR"]
				want := map[Op]bool{Set: sets == 1000, Get: gets == 1000, Incr: incrs == 1000, Mixed: gets > 600 && sets > 130 && incrs > 50 && gets+sets+incrs == 1000}
				if !want[op] {
					t.Errorf("%s: %v", op, s.counts)
				}
				for key := range s.keys {
					if !strings.HasPrefix(key, "p:value:") && !strings.HasPrefix(key, "p:number:") {
						t.Errorf("key %q", key)
					}
				}
				if len(s.keys) < 90 || len(s.keys) > 200 {
					t.Errorf("%d of 100 keys, or 200 of both kinds", len(s.keys))
				}
			})
		}
	}
}

// One set in ten is by an author who was shown nothing of the key it names.
func TestConflictsAreBlindWrites(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		cfg := config(s)
		cfg.Conflicts, cfg.Requests, cfg.Pipeline = 10, 1000, 4
		r, err := Run(t.Context(), cfg)
		blind := s.counts["KVD.SET"]
		if err != nil || r.Latency.Count != 1000 || blind < 60 || blind > 150 || blind+s.counts["SET"] != 1000 {
			t.Fatalf("%+v, %v, %v", r, err, s.counts)
		}
		for w := s.tokens; len(w) > 0; w = w[4:] {
			token, err := token.Parse(w[3])
			if err != nil || w[2] != "TOKEN" || !token.Keyed || token.Key != w[0] || len(token.Shown) != 0 {
				t.Errorf("%q: %+v, %v", w[:4], token, err)
			}
		}
	})
}

func TestADurationEndsTheRun(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		cfg := config(s)
		cfg.Requests, cfg.Duration, cfg.Clients = 0, time.Second, 2
		r, err := Run(t.Context(), cfg)
		// Each of two clients has one command answered a millisecond.
		if err != nil || r.Requests != 2000 || r.Took != time.Second || r.Rate() != 2000 {
			t.Errorf("%+v, %v", r, err)
		}
		if r.Latency.P50.Round(10*time.Microsecond) != time.Millisecond || r.Latency.Max.Round(10*time.Microsecond) != time.Millisecond {
			t.Errorf("latency %+v, want 1ms", r.Latency)
		}
	})
}

// once is a server that stands still for a second, after one.
func once(after time.Duration) time.Duration {
	if after >= time.Second && after < time.Second+10*time.Millisecond {
		return time.Second
	}
	return 0
}

// TestAStallIsCountedForAllThatWereDue: a closed loop sees it once, an open one
// for every command that was due meanwhile.
func TestAStallIsCountedForAllThatWereDue(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		s.stall = once
		cfg := config(s)
		cfg.Requests, cfg.Duration = 0, 4*time.Second
		r, err := Run(t.Context(), cfg)
		if err != nil || r.Latency.P99 > 2*time.Millisecond || r.Latency.Max < time.Second {
			t.Errorf("closed loop: %+v, %v", r.Latency, err)
		}
	})
	in(t, func(t *testing.T, s *server) {
		s.stall = once
		cfg := config(s)
		cfg.Requests, cfg.Duration, cfg.Rate = 0, 4*time.Second, 100
		r, err := Run(t.Context(), cfg)
		// 100 of 400 were due in the second that the server stood still, so a
		// quarter waited, and a tenth at least 600 ms.
		if err != nil || r.Requests != 400 || r.Unsent != 0 || r.Latency.P90 < 550*time.Millisecond || r.Latency.P90 > 700*time.Millisecond || r.Latency.P50 > 2*time.Millisecond {
			t.Errorf("open loop: %+v, %v", r, err)
		}
	})
}

func TestWhatIsDueAndNotSentIsReported(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		cfg := config(s)
		cfg.Requests, cfg.Duration, cfg.Rate, cfg.Clients = 0, time.Second, 5000, 2
		r, err := Run(t.Context(), cfg)
		// Two clients can have 2000 answered.
		if err != nil || r.Requests+r.Unsent != 5000 || r.Requests < 1990 || r.Requests > 2010 {
			t.Errorf("%+v, %v", r, err)
		}
		if r.Latency.Max < 550*time.Millisecond {
			t.Errorf("the queue's end waited %s", r.Latency.Max)
		}
	})
}

// TestClientsTakeTurnsInTheSchedule: the rate is that of all of them.
func TestClientsTakeTurnsInTheSchedule(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		cfg := config(s)
		cfg.Requests, cfg.Duration, cfg.Rate, cfg.Clients, cfg.Pipeline = 0, 2*time.Second, 100, 7, 16
		r, err := Run(t.Context(), cfg)
		if err != nil || r.Requests != 200 || r.Unsent != 0 || r.Latency.Max > 2*time.Millisecond || r.Late.Count == 0 || r.Late.Max > 2*time.Microsecond {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestRefusalsAreCountedAndOneIsQuoted(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		s.refuse = "NOAUTH Authentication required."
		r, err := Run(t.Context(), config(s))
		if err != nil || r.Requests != 100 || r.Refused != 100 || r.Refusal != s.refuse || r.Latency.Count != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// TestGroupsOfLargeValuesStayWithinTheBuffers, or both sides would wait for the
// other to read.
func TestGroupsOfLargeValuesStayWithinTheBuffers(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		cfg := config(s)
		cfg.Size, cfg.Pipeline, cfg.Keys = 40<<10, 64, 1
		if _, err := Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		defer near.Close()
		r, c := newRun(cfg), conn.New(near)
		l := newClient(r, 0, c)
		for range 10 {
			n := l.gather(time.Time{})
			if n != 2 || c.Pending() > 2*conn.BufferBytes {
				t.Fatalf("%d commands, %d bytes", n, c.Pending())
			}
			if err := c.Send(); err != nil {
				t.Fatal(err)
			}
		}
		l.cfg.Op = Get
		if n := l.gather(time.Time{}); n != 2 {
			t.Errorf("%d gets, whose replies are %d bytes each", n, cfg.Size)
		}
	})
}

func TestARunEndsWithItsContext(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		cfg := config(s)
		cfg.Requests, cfg.Clients = 1<<40, 3
		r, err := Run(ctx, cfg)
		if !errors.Is(err, context.DeadlineExceeded) || r.Requests < 2990 || r.Took != time.Second {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestAClientThatFailsEndsTheRun(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		cfg := config(s)
		cfg.Requests, cfg.Clients, cfg.Timeout = 1<<40, 3, 50*time.Millisecond
		s.stall = func(after time.Duration) time.Duration {
			if after > time.Second {
				return time.Hour
			}
			return 0
		}
		_, err := Run(t.Context(), cfg)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v, want a timeout", err)
		}
	})
	refusal := errors.New("nobody there")
	cfg := config(newServer())
	cfg.Dial = func(context.Context) (net.Conn, error) { return nil, refusal }
	if _, err := Run(t.Context(), cfg); !errors.Is(err, refusal) {
		t.Errorf("%v", err)
	}
}

func TestProgressIsTold(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		cfg := config(s)
		cfg.Requests, cfg.Duration = 0, time.Second
		var told []int64
		cfg.Progress = func(done int64, _ time.Duration) { told = append(told, done) }
		if _, err := Run(t.Context(), cfg); err != nil || len(told) < 9 || told[8] < 850 {
			t.Errorf("%v, %v", told, err)
		}
	})
}

func TestTheSameSeedIsTheSameLoad(t *testing.T) {
	load := func(seed uint64) map[string]string {
		var values map[string]string
		in(t, func(t *testing.T, s *server) {
			cfg := config(s)
			cfg.Seed = seed
			if _, err := Run(t.Context(), cfg); err != nil {
				t.Error(err)
			}
			values = s.values
		})
		return values
	}
	a, b, c := load(1), load(1), load(2)
	same := 0
	for key, value := range a {
		if b[key] != value {
			t.Errorf("%s is %q and %q", key, value, b[key])
		}
		if c[key] == value {
			same++
		}
	}
	if same == len(a) {
		t.Error("another seed is the same load")
	}
}

func TestLag(t *testing.T) {
	in(t, func(t *testing.T, s *server) {
		r, err := MeasureLag(t.Context(), lag(s, s))
		if err != nil || r.Visible.Count != 10 || r.Polls != 10 || r.Acked.P50.Round(10*time.Microsecond) != time.Millisecond || r.Visible.Max.Round(10*time.Microsecond) != 2*time.Millisecond {
			t.Errorf("%+v, %v", r, err)
		}
	})
	in(t, func(t *testing.T, s *server) {
		other := newServer()
		_, err := MeasureLag(t.Context(), lag(s, other))
		var timeout net.Error
		if !errors.As(err, &timeout) || !strings.Contains(err.Error(), "look for a write") {
			t.Errorf("%v", err)
		}
		other.running.Wait()
	})
}

func lag(from, to *server) Lag {
	return Lag{From: from.dial, To: to.dial, Samples: 10, Timeout: time.Second, Size: 50, Run: "r"}
}

func TestWhatCannotBeRunIsRefused(t *testing.T) {
	good := config(newServer())
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"dials": func(c *Config) { c.Dial = nil }, "unknown op": func(c *Config) { c.Op = "x" }, "clients": func(c *Config) { c.Clients = 0 },
		"pipeline": func(c *Config) { c.Pipeline = maxPipeline + 1 }, "values": func(c *Config) { c.Size = -1 }, "keys": func(c *Config) { c.Keys = 0 },
		"requests": func(c *Config) { c.Requests = -1 }, "duration": func(c *Config) { c.Requests = 0 }, "rate": func(c *Config) { c.Rate = -1 },
		"timeout": func(c *Config) { c.Timeout = 0 }, "conflicts": func(c *Config) { c.Conflicts = 101 },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Lag){
		"dials": func(g *Lag) { g.To = nil }, "duration": func(g *Lag) { g.Samples = 0 }, "values": func(g *Lag) { g.Size = -1 },
		"rate": func(g *Lag) { g.Rate = -1 }, "timeout": func(g *Lag) { g.Timeout = 0 },
	} {
		g := lag(newServer(), newServer())
		change(&g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
