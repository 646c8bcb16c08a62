package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvd/replica"
	"kvd/replica/link"
	"kvd/replica/node/internal/faultwords"
	"kvd/replica/resp"
	"kvd/storage/faulty"
	"kvd/wallclock"
)

// plantFault is KVD.FAULT.
func (l *Leader) plantFault(_ context.Context, args [][]byte, w *resp.Writer) error {
	words := make([]string, 0, len(args))
	for _, a := range args[1:] {
		words = append(words, string(a))
	}
	var err error
	switch kind := strings.ToUpper(words[0]); {
	case kind == "CLEAR" && len(words) == 1:
		l.faults.Clear()
		l.diskFaults.Set(faulty.None)
		l.clock.Change(func(_ wallclock.Skewed, at wallclock.Instant) wallclock.Skewed {
			return wallclock.NewSkewed(wallclock.Faults{}, at)
		})
	case kind == "CLOCK" && len(words) > 1:
		err = l.faultClock(words[1:])
	case kind == "LINK" && len(words) > 2:
		err = l.faultLink(words[1], words[2:])
	case kind == "DISK" && len(words) == 2:
		err = l.faultDisk(words[1])
	default:
		err = errors.New(faultwords.Help)
	}
	if err != nil {
		return err
	}
	l.cfg.Logger.Warn("a fault was planted", "leader", l.cfg.Name, "fault", strings.Join(words, " "))
	w.Simple("OK")
	return nil
}

// faultClock changes what is named and leaves the rest.
func (l *Leader) faultClock(pairs []string) (err error) {
	l.clock.Change(func(s wallclock.Skewed, at wallclock.Instant) wallclock.Skewed {
		f := s.Faults()
		var step, freeze time.Duration
		err = faultwords.Read(pairs, map[string]func(string) error{
			"offset": faultwords.Into(&f.Offset, time.ParseDuration), "step": faultwords.Into(&step, time.ParseDuration), "drift": faultwords.Into(&f.Drift, faultwords.Number),
			"error": faultwords.Into(&f.Error, faultwords.Positive), "freeze": faultwords.Into(&freeze, faultwords.Positive), "strobe": faultwords.Into(&f.Strobe, faultwords.Strobe),
		})
		if err != nil {
			return s
		}
		if s = s.With(f, at).Step(step); freeze > 0 {
			s = s.Freeze(at, freeze)
		}
		return s
	})
	return err
}

// faultDisk replaces what is wrong with the disk.
func (l *Leader) faultDisk(word string) error {
	if !l.onDisk() {
		return errors.New("fault: this leader keeps its data in memory, and has no disk")
	}
	f, err := faulty.Parse(word)
	if err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	l.diskFaults.Set(f)
	return nil
}

// faultLink replaces what goes wrong on the way to a peer.
func (l *Leader) faultLink(peer string, pairs []string) error {
	if _, known := l.members.View().Find(peer); !known || peer == l.cfg.Name {
		return fmt.Errorf("fault: %s is no other leader; KVD.MEMBERS lists them", peer)
	}
	var f link.LinkFault
	err := faultwords.Read(pairs, map[string]func(string) error{
		"delay": faultwords.Into(&f.Delay, faultwords.Positive), "jitter": faultwords.Into(&f.Jitter, faultwords.Positive), "loss": faultwords.Into(&f.Loss, faultwords.Number),
		"duplicate": faultwords.Into(&f.Duplicate, faultwords.Number), "overtake": faultwords.Into(&f.Overtake, faultwords.Number), "cut": faultwords.Into(&f.Cut, faultwords.OnOff),
	})
	if err = cmp.Or(err, f.Validate()); err != nil {
		return err
	}
	return l.faults.Set(replica.Leader(peer), f)
}
