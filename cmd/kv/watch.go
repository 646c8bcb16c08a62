package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
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

// change is what a key shows from some time on.
type change struct {
	at time.Time // when kv saw it
	reading
}

func (c change) text(p *printer) string {
	what := "(absent)"
	switch n := len(c.values); {
	case n == 1:
		what = p.show(c.values[0])
	case n > 1:
		what = fmt.Sprintf("%d siblings: %s", n, joined(c.values))
	}
	return c.at.Format("15:04:05.000") + "  " + what
}

func (c change) raw() string       { return joined(c.values) }
func (c change) columns() []string { return []string{"at", "values"} }
func (c change) cells() []string {
	return []string{c.at.Format("15:04:05.000"), joined(c.values)}
}

// MarshalJSON lists the values.
func (c change) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		At     time.Time `json:"at"`
		Key    keyName   `json:"key"`
		Values []blob    `json:"values"`
		Token  string    `json:"token"`
	}{c.at, keyName(c.key), blobsOf(c.values), c.token})
}

// watch prints what the key shows, and again whenever that is something else. A
// leader that is away is waited for, if it was there at first. The user ends it,
// which is no failure.
func watch(k *call) error {
	every, err := k.every()
	if err != nil {
		return err
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	k.out.list()
	last, err := k.reading(l, k.Args().First())
	if err == nil {
		err = k.out.put(change{time.Now(), last})
	}
	away := false
	for err == nil {
		if err = k.pause(every); err != nil {
			break
		}
		now, lost := k.reading(l, last.key)
		if lost != nil && !away && k.ctx().Err() == nil {
			k.say(lost.Error() + "; still asking")
		}
		if away = lost != nil; !away && !slices.Equal(now.values, last.values) {
			last, err = now, k.out.put(change{time.Now(), now})
		}
	}
	if k.ctx().Err() != nil {
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
	case <-k.ctx().Done():
		return k.ctx().Err()
	}
}
