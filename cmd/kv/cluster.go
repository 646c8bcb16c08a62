package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func clusterSpecs() []invoke.Spec {
	return []invoke.Spec{
		{Name: "compare", Usage: "print where leaders show different values", Args: "KEY", Least: 0, Most: 1, Do: on(compare),
			About: "Only keys that differ are printed, unless --all is given; the exit code is 4 if any does.\nLeaders are asked one after another, so under writes a difference may be one of time.\nA leader that cannot be asked is a failure; --missing-ok compares the others.",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "prefix", Usage: "compare all keys that begin with `TEXT`, instead of one"},
				&cli.BoolFlag{Name: "all", Usage: "print keys that are the same as well"}, invoke.MissingFlag(),
			}},
		{Name: "wait", Usage: "wait until leaders have caught up", Least: 0, Most: 0, Do: on(wait),
			About: "With --converged, until all leaders have applied the same. With --token or --session,\nuntil one leader has what was seen. --timeout says how long, " + waitTime.String() + " if it is not given.\n\nA leader that takes no connections is not waited for once the others agree: they are\nanswered for, with exit code 5, or 0 with --missing-ok. kv admin forget NODE lets nobody\nask for a dead one.",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "converged", Usage: "until all leaders have applied the same"},
				&cli.StringFlag{Name: "token", Usage: "until the leader has what `TOKEN` has seen"},
				sessionFlag(), everyFlag(), invoke.MissingFlag(),
			}},
		{Name: "members", Usage: "print the leaders of the cluster", Least: 0, Most: 0, Do: at(members)},
		{Name: "ping", Usage: "print how long a leader takes to answer", Least: 0, Most: 0, Do: at(ping)},
		{Name: "raw", Usage: "send any command as it stands, and print the reply", Args: "COMMAND [ARGUMENT]...", Least: 1, Most: -1, Do: at(rawCommand),
			About: "What begins with a minus and is no number belongs behind --, as in\nkv raw -- set k -x"},
	}
}

func members(k *call, l *client.Leader) error {
	all, err := l.Members(k.Ctx())
	if client.Unknown(err) {
		k.Say("this server has no KVD.MEMBERS; what follows is what each known leader says of itself")
		all, err = k.byInfo()
	}
	if err != nil {
		return err
	}
	if err := putList(k, all, show.Member); err != nil {
		return err
	}
	if names, err := l.Forgotten(k.Ctx()); err == nil && len(names) > 0 { // older servers have forgotten nobody
		k.Say("forgotten: " + show.Series(show.ShownAll(names)))
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
		info, err := l.Info(k.Ctx(), "kvd")
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
	if k.Chosen != nil {
		return k.All()
	}
	l, err := k.Leader()
	return []*client.Leader{l}, err
}

func ping(k *call, l *client.Leader) error {
	if _, err := l.Do(k.Ctx(), "PING"); err != nil { // connecting is not what is measured
		return err
	}
	began := time.Now()
	r, err := l.Do(k.Ctx(), "PING")
	if err != nil {
		return err
	}
	took := time.Since(began)
	if r.Text != "PONG" {
		return client.NewRefusal(l, "PING", errors.New("the answer is not PONG"))
	}
	return k.Out.Put(show.Facts(fmt.Sprintf("PONG from %s in %s", l, took.Round(time.Microsecond)), "PONG",
		show.WordFact("leader", l.Name), show.WordFact("addr", l.Addr), show.NumberFact("round_trip_us", took.Microseconds())))
}

func rawCommand(k *call, l *client.Leader) error {
	r, err := l.Do(k.Ctx(), k.Args().Slice()...)
	if err != nil {
		return err
	}
	return k.Out.Put(show.Reply(r))
}
