package node

import (
	"context"
	"errors"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

// A question ends, and gives its cut back, at its next look at the store when
// nobody waits for the answer any more.
func TestLongQuestionsEnd(t *testing.T) {
	all := cluster(t, 2, everybody(resolve.LWW), ahead(0, time.Hour))
	figure83(t, all, "x")
	ctx, cancel := context.WithCancel(context.Background())
	rounds := 0
	err := all[0].about(ctx, func(m *moment, a *ledger.Reader) error {
		for ; ; rounds++ {
			if _, err := a.Audit(ledger.AuditOptions{MemoryBytes: 100_000}); err != nil {
				return err
			}
			cancel()
		}
	})
	if rounds != 1 || !errors.Is(err, server.ErrDraining) {
		t.Errorf("it ends after %d rounds: %v", rounds, err)
	}
	for name, look := range map[string]func(*moment) error{
		"objects": func(m *moment) error { _, err := m.Object("x"); return err },
		"an op":   func(m *moment) error { _, _, err := m.Op(logical.Dot{Origin: 1, Seq: 1}); return err },
		"ops":     func(m *moment) error { _, err := m.Ops(all[0].origin, 1, 1, 1); return err },
		"rows": func(m *moment) error {
			return m.LossesFrom("", logical.Dot{}, func(resolve.Loss) bool {
				if m.ctx.Err() != nil {
					t.Error("a row is given to nobody")
				}
				return true
			})
		},
	} {
		if err := all[0].Leader.ask(ctx, look); err == nil {
			t.Errorf("%s are read for nobody", name)
		}
		if err := all[0].Leader.ask(context.Background(), look); err != nil {
			t.Errorf("%s are not read: %v", name, err)
		}
	}
}

// While somebody's question reads the whole log others are told so; when who asked
// has gone it ends, makes room for the next, and keeps nobody from stopping.
func TestOneLongQuestionAtATime(t *testing.T) {
	n := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	n.set("x", "1")
	ctx, leave := context.WithCancel(context.Background())
	under, over := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := n.whole(ctx, func(a *ledger.Reader) error {
			close(under)
			for {
				if _, err := a.Audit(ledger.AuditOptions{MemoryBytes: 100_000}); err != nil {
					return err
				}
			}
		})
		over <- err
	}()
	<-under
	n.refused("BUSY", "another leader", "KVD.AUDIT")
	n.set("x", "2") // writers go on
	leave()
	if err := <-over; !errors.Is(err, server.ErrDraining) {
		t.Errorf("it ends with %v", err)
	}
	if a := n.tell("KVD.AUDIT"); a.rows("balances")[0]["accepted"] != int64(2) {
		t.Errorf("the next one counts %v", a)
	}
	if err := n.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if err := n.ask1(); !errors.Is(err, server.ErrDraining) {
		t.Errorf("after the end: %v", err)
	}
}

func (n *node) ask1() error {
	return n.Leader.ask(context.Background(), func(*moment) error { return nil })
}
