package live

import (
	"context"
	"os"
	"testing"
	"time"

	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/library"
)

func TestTry(t *testing.T) {
	s, err := library.Find(os.Getenv("TRY"))
	if err != nil {
		t.Fatal(err)
	}
	bin := "/tmp/kvdlive/kvd"
	id, err := resolve.ParseID(os.Getenv("RES"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r, err := Run(context.Background(), s, Options{Resolver: id, Seed: 1, Binary: bin, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: expectation %s attempts %d: acked %d lost %d inv %d conc %d sib %d %v session %s %v", time.Since(began), r.Expectation, r.Attempts, r.Acked, r.Lost, r.Inverted, r.Concurrent, r.Siblings, r.Values, r.Session, r.Sessions)
	for _, p := range r.Promises {
		if !p.Held {
			t.Errorf("%s: %s", p.Check, p.Why)
		}
	}
	_ = scenarios.Held
}
