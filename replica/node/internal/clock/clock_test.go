package clock

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"kvd/wallclock"
)

func begin(t *testing.T, cfg Config) *Clock {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAClaimIsAllThereIs(t *testing.T) {
	c := begin(t, Config{Claim: 7 * time.Millisecond})
	s := c.Status()
	if w := c.Now().Wall; w.HalfWidth() != 7*time.Millisecond || s.Asked != "claim" || s.Source != "claim" || s.Answers || s.Silent() || len(s.Sources) != 0 {
		t.Errorf("it reads %s, %+v", w, s)
	}
	if err := (Config{Sources: "sundial"}).Validate(); err == nil || !strings.Contains(err.Error(), Kinds) {
		t.Errorf("a sundial: %v", err)
	}
}

// Faults are laid over what the sources say, and taken away again.
func TestFaultsAreLaidOver(t *testing.T) {
	c := begin(t, Config{Claim: time.Millisecond, Faults: wallclock.Faults{Offset: time.Hour}})
	plain := begin(t, Config{Claim: time.Millisecond})
	apart := func() time.Duration {
		return c.Now().Wall.Midpoint().Sub(plain.Now().Wall.Midpoint()).Round(time.Minute)
	}
	if w := c.Now().Wall; apart() != time.Hour || w.HalfWidth() != time.Millisecond {
		t.Errorf("it reads %s, %s ahead", w, apart())
	}
	c.Change(func(s wallclock.Skewed, at wallclock.Instant) wallclock.Skewed {
		return s.With(wallclock.Faults{Offset: -time.Hour, Error: time.Second}, at)
	})
	if w := c.Now().Wall; apart() != -time.Hour || w.HalfWidth() != time.Second {
		t.Errorf("it reads %s, %s ahead", w, apart())
	}
	c.Change(func(_ wallclock.Skewed, at wallclock.Instant) wallclock.Skewed {
		return wallclock.NewSkewed(wallclock.Faults{}, at)
	})
	if w := c.Now().Wall; apart() != 0 || w.HalfWidth() != time.Millisecond {
		t.Errorf("it reads %s, %s ahead", w, apart())
	}
}

// A source that does not answer is said so, in the log and in the status.
func TestASourceIsSilent(t *testing.T) {
	var log bytes.Buffer
	c := begin(t, Config{Sources: "clockbound:" + t.TempDir() + "/page", Claim: time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s := c.Status()
	if !s.Silent() || s.Source != "claim" || len(s.Sources) != 1 || !strings.Contains(s.Sources[0].Unavailable, "no ClockBound daemon") || s.Sources[0].Ahead != nil {
		t.Errorf("%+v", s)
	}
	c.Close()
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "no ClockBound daemon") {
		t.Errorf("the log says %s", &log)
	}
}

// A leader is not kept from starting by servers that do not answer.
func TestAStartIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := New(ctx, Config{Sources: "ntp:127.0.0.1:1", Claim: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if w := c.Now().Wall; w.HalfWidth() != time.Millisecond {
		t.Errorf("it reads %s", w)
	}
}
