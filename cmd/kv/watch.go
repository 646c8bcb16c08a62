package main

import (
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
)

func everyFlag() cli.Flag {
	return &cli.DurationFlag{Name: "every", Value: 100 * time.Millisecond, Usage: "ask again after `DURATION`"}
}

// every is how long to wait between two questions.
func (k *call) every() (time.Duration, error) {
	d := k.Duration("every")
	if d <= 0 {
		return 0, cliutil.Usage("--every "+d.String()+" would never wait", "it must be above zero", "kv "+k.Command.Name+" --every 1s")
	}
	return d, nil
}

// watch prints what the key shows, and again whenever that is something else. A
// leader that is away is waited for, if it was there at first. The user ends it,
// which is no failure.
func watch(k *call) error {
	every, err := k.every()
	if err != nil {
		return err
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	k.Out.List()
	last, err := k.reading(l, k.Args().First())
	if err == nil {
		err = k.Out.Put(show.Change(time.Now(), last))
	}
	away := false
	for err == nil {
		if err = k.pause(every); err != nil {
			break
		}
		now, lost := k.reading(l, last.Key)
		if lost != nil && !away && k.Ctx().Err() == nil {
			k.Say(lost.Error() + "; still asking")
		}
		if away = lost != nil; !away && !slices.Equal(now.Values, last.Values) {
			last, err = now, k.Out.Put(show.Change(time.Now(), now))
		}
	}
	if k.Ctx().Err() != nil {
		return nil
	}
	return err
}

// pause waits. The error says that the user interrupted.
func (k *call) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-k.Ctx().Done():
		return k.Ctx().Err()
	}
}
