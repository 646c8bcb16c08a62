package answers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/ledger"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// nowhere is where a leader without peers sends to.
type nowhere struct{}

func (nowhere) Send(replica.Leader, replica.Message) {}

// asked is a leader without network that has one key, and answers about it.
func asked(t *testing.T) (*Answers, *host.Loop) {
	t.Helper()
	store, err := storage.Open(storage.Options{FS: vfs.NewMem(), Dir: "n1", Cache: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	cfg := replica.Defaults()
	cfg.Name, cfg.Policy = "n1", resolve.Policy{Default: resolve.LWW}
	pump, err := host.OpenWith(cfg, store, 7, host.Options{CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	clock := wallclock.NewSystem(time.Millisecond)
	loop := host.Start(pump, host.LoopConfig{Clock: clock, Outbox: nowhere{}})
	t.Cleanup(func() {
		if err := errors.Join(loop.Stop(context.Background()), pump.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	an := New(Config{
		Name: "n1", Origin: 7, Policy: cfg.Policy, Store: store, Loop: loop, Clock: clock, Do: loop.Do,
		NameOf: func(logical.Origin) string { return "n1" }, OutOfReach: func(logical.Dot) bool { return false },
		Unreplicated: func() []Stretch { return nil }, Trouble: func() string { return "" },
	})
	if r, err := an.write(&replica.Request{Verb: replica.Set, Key: "x", Value: []byte("1")}); err != nil || r.Dot.IsZero() {
		t.Fatal(r, err)
	}
	return an, loop
}

// A question ends, and gives its snapshot back, at its next read when nobody waits for
// the answer any more.
func TestLongQuestionsEnd(t *testing.T) {
	an, _ := asked(t)
	ctx, cancel := context.WithCancel(context.Background())
	rounds := 0
	_, err := an.about(ctx, func(_ *snapshot, reader *ledger.Reader) error {
		for ; ; rounds++ {
			if _, err := reader.Audit(ledger.AuditOptions{MemoryBytes: 100_000}); err != nil {
				return err
			}
			cancel()
		}
	})
	if rounds != 1 || !errors.Is(err, resp.ErrDraining) {
		t.Errorf("it ends after %d rounds: %v", rounds, err)
	}
	for name, read := range map[string]func(*snapshot) error{
		"objects": func(s *snapshot) error { _, err := s.Object("x"); return err },
		"an op":   func(s *snapshot) error { _, _, err := s.Op(logical.Dot{Origin: 1, Seq: 1}); return err },
		"ops":     func(s *snapshot) error { _, err := s.Ops(7, 1, 1, 1); return err },
		"rows": func(s *snapshot) error {
			return s.LossesFrom("", logical.Dot{}, func(resolve.Loss) bool {
				if s.ctx.Err() != nil {
					t.Error("a row is given to nobody")
				}
				return true
			})
		},
	} {
		if _, err := an.ask(ctx, read); err == nil {
			t.Errorf("%s are read for nobody", name)
		}
		if _, err := an.ask(context.Background(), read); err != nil {
			t.Errorf("%s are not read: %v", name, err)
		}
	}
}

// While somebody's question reads the whole log others are told so; when who asked
// has gone it ends, makes room for the next, and keeps nobody from stopping.
func TestOneLongQuestionAtATime(t *testing.T) {
	an, loop := asked(t)
	ctx, leave := context.WithCancel(context.Background())
	under, over := make(chan struct{}), make(chan error, 1)
	audit := func(reader *ledger.Reader) error {
		_, err := reader.Audit(ledger.AuditOptions{MemoryBytes: 100_000})
		return err
	}
	go func() {
		_, err := an.whole(ctx, func(reader *ledger.Reader) error {
			close(under)
			for {
				if err := audit(reader); err != nil {
					return err
				}
			}
		})
		over <- err
	}()
	<-under
	for _, command := range []string{"kvd.audit", "kvd.advise"} {
		if err := an.Commands()[command].Run(context.Background(), [][]byte{[]byte(command)}, &resp.Writer{}); !errors.Is(err, errBusy) {
			t.Errorf("%s amid another's audit: %v", command, err)
		}
	}
	if _, err := an.write(&replica.Request{Verb: replica.Set, Key: "x", Value: []byte("2")}); err != nil {
		t.Errorf("writers do not go on: %v", err)
	}
	leave()
	if err := <-over; !errors.Is(err, resp.ErrDraining) {
		t.Errorf("it ends with %v", err)
	}
	if _, err := an.whole(context.Background(), audit); err != nil {
		t.Errorf("the next one: %v", err)
	}
	if err := loop.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := an.ask(context.Background(), func(*snapshot) error { return nil }); !errors.Is(err, resp.ErrDraining) {
		t.Errorf("after the end: %v", err)
	}
}

// A bundle ends before a megabyte, but never empty.
func TestALogBundleIsBounded(t *testing.T) {
	b := bundle{count: 100, last: 10}
	for seq := logical.Seq(1); ; seq++ {
		more, err := b.take(seq, make([]byte, 600_000))
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if len(b.entries) != 1 || b.next != 2 {
		t.Errorf("%d entries, next %d", len(b.entries), b.next)
	}
	b = bundle{count: 100, last: 1}
	_, _ = b.take(1, make([]byte, 3_000_000))
	if more, _ := b.take(2, nil); more || len(b.entries) != 1 || b.next != 0 {
		t.Errorf("one that is too large: %d entries, next %d", len(b.entries), b.next)
	}
}
