package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
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
			about: "With --converged, until all leaders have applied the same. With --token or --session,\nuntil one leader has what was seen. --timeout says how long, " + patience.String() + " if it is not given.\n\nA leader that takes no connections is not waited for once the others agree: they are\nanswered for, with exit code 5, or 0 with --missing-ok. kv admin forget NODE lets nobody\nask for a dead one.",
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

// member is one leader of the cluster.
type member struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	RESP   string `json:"resp"`
	HTTP   string `json:"http"`
	Peer   string `json:"peer"`
	Origin string `json:"origin"`
}

func (m member) text(p *printer) string {
	parts := []string{p.show(m.Name), p.show(m.Status)}
	for _, f := range [][2]string{{"resp", m.RESP}, {"http", m.HTTP}, {"peer", m.Peer}, {"origin", m.Origin}} {
		if f[1] != "" {
			parts = append(parts, f[0]+" "+p.show(f[1]))
		}
	}
	return strings.Join(parts, "  ")
}

func (m member) raw() string { return m.Name }
func (m member) columns() []string {
	return []string{"name", "status", "resp", "http", "peer", "origin"}
}
func (m member) cells() []string {
	return []string{printable(m.Name), printable(m.Status), printable(m.RESP), printable(m.HTTP), printable(m.Peer), printable(m.Origin)}
}

// memberOf reads the fields of a member from KVD.MEMBERS' map or INFO's lines.
func memberOf(field func(string) string) member {
	return member{field("name"), field("status"), field("resp"), field("http"), field("peer"), field("origin")}
}

// members asks a leader who the others are.
func (l *leader) members(k *call) ([]member, error) {
	r, err := l.do(k.ctx(), "KVD.MEMBERS")
	var all []member
	for _, item := range r.items {
		all = append(all, memberOf(func(name string) string { return item.field(name).text }))
	}
	return all, err
}

func members(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	all, err := l.members(k)
	if unknown(err) {
		k.say("this server has no KVD.MEMBERS; what follows is what each known leader says of itself")
		all, err = k.byInfo()
	}
	if err != nil {
		return err
	}
	k.out.list()
	for _, m := range all {
		if err := k.out.put(m); err != nil {
			return err
		}
	}
	if names, err := l.forgotten(k); err == nil && len(names) > 0 { // older servers have forgotten nobody
		k.say("forgotten: " + series(shownAll(names)))
	}
	return nil
}

// byInfo asks every known leader about itself. Those that do not answer are
// listed as such.
func (k *call) byInfo() ([]member, error) {
	leaders, err := k.known()
	if err != nil {
		return nil, err
	}
	var all []member
	for _, l := range leaders {
		r, err := l.do(k.ctx(), "INFO", "kvd")
		info := section(r.text)
		m := memberOf(func(name string) string { return info[name] })
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
func (k *call) known() ([]*leader, error) {
	if k.context != nil {
		return k.all()
	}
	l, err := k.leader()
	return []*leader{l}, err
}

// section reads INFO's lines.
func section(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			info[name] = value
		}
	}
	return info
}

func ping(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	if _, err := l.do(k.ctx(), "PING"); err != nil { // connecting is not what is measured
		return err
	}
	began := time.Now()
	r, err := l.do(k.ctx(), "PING")
	if err != nil {
		return err
	}
	took := time.Since(began)
	if r.text != "PONG" {
		return &refusal{l, "PING", errors.New("the answer is not PONG")}
	}
	return k.out.put(facts{
		say: fmt.Sprintf("PONG from %s in %s", l, took.Round(time.Microsecond)), bare: "PONG",
		all: []fact{wordFact("leader", l.Name), wordFact("addr", l.Addr), numberFact("round_trip_us", took.Microseconds())},
	})
}

// answer is a reply as it came.
type answer struct{ reply }

func (a answer) text(p *printer) string { return a.lines(p.show) }
func (a answer) raw() string {
	if len(a.items) > 0 {
		return strings.Join(a.texts(), "\n") + "\n"
	}
	return a.reply.text
}
func (a answer) columns() []string { return []string{"reply"} }
func (a answer) cells() []string   { return []string{strings.ReplaceAll(a.lines(printable), "\n", " ")} }

func rawCommand(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := l.do(k.ctx(), k.Args().Slice()...)
	if err != nil {
		return err
	}
	return k.out.put(answer{r})
}
