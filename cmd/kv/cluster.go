package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func clusterSpecs() []spec {
	return []spec{
		{name: "compare", usage: "print where leaders show different values", args: "KEY", least: 0, most: 1, do: compare,
			about: "Only keys that differ are printed, unless --all is given; the exit code is 4 if any does.\nLeaders are asked one after another, so under writes a difference may be one of time.",
			flags: []cli.Flag{
				&cli.StringFlag{Name: "prefix", Usage: "compare all keys that begin with `TEXT`, instead of one"},
				&cli.BoolFlag{Name: "all", Usage: "print keys that are the same as well"},
			}},
		{name: "wait", usage: "wait until leaders have caught up", least: 0, most: 0, do: wait,
			about: "With --converged, until all leaders have applied the same. With --token or --session,\nuntil one leader has what was seen. --timeout says how long, " + waitTime.String() + " if it is not given.\n\nA leader that takes no connections is not waited for once the others agree: they are\nanswered for, with exit code 5, or 0 with --missing-ok. kv admin forget NODE lets nobody\nask for a dead one.",
			flags: []cli.Flag{
				&cli.BoolFlag{Name: "converged", Usage: "until all leaders have applied the same"},
				&cli.StringFlag{Name: "token", Usage: "until the leader has what `TOKEN` has seen"},
				sessionFlag(), everyFlag(), missingFlag(),
			}},
		{name: "members", usage: "print the leaders of the cluster", least: 0, most: 0, do: members},
		{name: "ping", usage: "print how long a leader takes to answer", least: 0, most: 0, do: ping},
		{name: "raw", usage: "send any command as it stands, and print the reply", args: "COMMAND [ARGUMENT]...", least: 1, most: -1, do: rawCommand,
			about: "What begins with a minus and is no number belongs behind --, as in\nkv raw -- set k -x"},
	}
}

func members(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	all, err := l.Members(k.ctx())
	if client.Unknown(err) {
		k.say("this server has no KVD.MEMBERS; what follows is what each known leader says of itself")
		all, err = k.byInfo()
	}
	if err != nil {
		return err
	}
	k.out.List()
	for _, m := range all {
		if err := k.out.Put(show.Member{Member: m}); err != nil {
			return err
		}
	}
	if names, err := l.Forgotten(k.ctx()); err == nil && len(names) > 0 { // older servers have forgotten nobody
		k.say("forgotten: " + show.Series(show.ShownAll(names)))
	}
	return nil
}

// byInfo asks every known leader about itself. Those that do not answer are
// listed as such.
func (k *call) byInfo() ([]client.Member, error) {
	leaders, err := k.known()
	if err != nil {
		return nil, err
	}
	var all []client.Member
	for _, l := range leaders {
		info, err := l.Info(k.ctx(), "kvd")
		m := client.MemberOf(func(name string) string { return info[name] })
		m.Name = cmp.Or(m.Name, info["node"], l.Name)
		m.RESP = cmp.Or(m.RESP, l.Addr)
		switch {
		case err != nil:
			m.Status = "unreachable"
		case m.Status == "":
			m.Status = "answers"
		}
		all = append(all, m)
	}
	return all, nil
}

// known is the context's leaders, or else the one that is asked.
func (k *call) known() ([]*client.Leader, error) {
	if k.context != nil {
		return k.all()
	}
	l, err := k.leader()
	return []*client.Leader{l}, err
}

func ping(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	if _, err := l.Do(k.ctx(), "PING"); err != nil { // connecting is not what is measured
		return err
	}
	began := time.Now()
	r, err := l.Do(k.ctx(), "PING")
	if err != nil {
		return err
	}
	took := time.Since(began)
	if r.Text != "PONG" {
		return client.NewRefusal(l, "PING", errors.New("the answer is not PONG"))
	}
	return k.out.Put(show.Facts{
		Say: fmt.Sprintf("PONG from %s in %s", l, took.Round(time.Microsecond)), Bare: "PONG",
		All: []show.Fact{show.WordFact("leader", l.Name), show.WordFact("addr", l.Addr), show.NumberFact("round_trip_us", took.Microseconds())},
	})
}

func rawCommand(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := l.Do(k.ctx(), k.Args().Slice()...)
	if err != nil {
		return err
	}
	return k.out.Put(show.Reply{Reply: r})
}
