package admin

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// memberSpecs are the commands that let a leader come to its end, and another take its place.
func memberSpecs() []invoke.Spec {
	const limit = "\n--timeout says for how long that is waited for, 30s if it is not given."
	return []invoke.Spec{
		{Name: "members", Usage: "print the leaders of the cluster, as kv members does", Least: 0, Most: 0, Do: invoke.At(Members)},
		{Name: "drain", Usage: "let a leader take no more writes, and wait until it is safe to stop", Args: "NODE", Least: 1, Most: 1, Do: drainNode,
			About: "The leader answers writes READONLY from now on, and goes on reading. Safe is when the\nothers durably have all that it acknowledged; the exit code is 5 if they do not in time,\nand it goes on draining." + limit + "\nIt takes writes again when it is started again, or with --lift.",
			Flags: []cli.Flag{&cli.BoolFlag{Name: "lift", Usage: "let it take writes again"}}},
		{Name: "leave", Usage: "drain a leader, and let it leave the cluster for good", Args: "NODE", Least: 1, Most: 1, Do: leaveNode,
			About: "When the others have all that it acknowledged, it ends, and all others neither list it\nnor wait for it any more. Its data directory is not taken again: a leader that joins in its\nplace, under whatever name, begins with an empty one." + limit},
		{Name: "replace", Usage: "let one leader leave, or forget it, once another is there", Args: "OLD NEW", Least: 2, Most: 2, Do: replaceNode,
			About: "NEW is started by you, with --join, and under another name. OLD leaves when NEW is ready and\nlacks nothing that OLD has; an OLD that is dead is forgotten." + limit},
		{Name: "reload", Usage: "let leaders read users, certificates and the log level again", Least: 0, Most: 0, Do: reload,
			About: "It is what SIGHUP does. A leader that cannot read its configuration keeps what it had,\nand says why: the exit code is 1." + invoke.AboutAsking,
			Flags: []cli.Flag{invoke.OnlyFlag(), invoke.MissingFlag()}},
	}
}

// reach opens the leader of that name or address.
func reach(k *invoke.Call, node string) (*client.Leader, error) {
	at, err := k.Find(invoke.Address(node))
	if err != nil {
		return nil, err
	}
	return k.Opened.Open(*at), nil
}

func opened(k *invoke.Call, nodes []client.Node) (all []*client.Leader) {
	for _, n := range nodes {
		all = append(all, k.Opened.Open(n))
	}
	return all
}

// within is the context of a command that waits.
func within(k *invoke.Call) (context.Context, context.CancelFunc, time.Duration) {
	limit := invoke.WaitTime
	if k.IsSet("timeout") {
		limit = k.Timeout
	}
	ctx, cancel := context.WithTimeout(k.Ctx(), limit)
	return ctx, cancel, limit
}

// memberPoll is how often a leader is asked again how far it has come.
const memberPoll = 100 * time.Millisecond

func drainNode(k *invoke.Call) error {
	l, err := reach(k, k.Args().First())
	if err != nil {
		return err
	}
	if k.Bool("lift") {
		r, err := l.Do(k.Ctx(), "KVD.DRAIN", "LIFT")
		if err != nil {
			return err
		}
		return k.Out.Put(show.Facts(l.String()+" takes writes again", "OK", show.WordFact("leader", r.Field("leader").Text), show.TruthFact("drained", false)))
	}
	ctx, cancel, limit := within(k)
	defer cancel()
	name, err := drain(ctx, k, l, limit)
	if err != nil {
		return err
	}
	return k.Out.Put(show.Facts(show.Printable(name)+" takes no writes, and the others have all that it acknowledged: it is safe to stop", "OK",
		show.WordFact("leader", name), show.TruthFact("drained", true), show.TruthFact("safe", true), show.NumberFact("unshared_ops", 0)))
}

// drain waits until a leader is safe to stop, and answers its name.
func drain(ctx context.Context, k *invoke.Call, l *client.Leader, limit time.Duration) (string, error) {
	for {
		r, err := l.Do(ctx, "KVD.DRAIN")
		name, unshared := r.Field("leader").Text, r.Field("unshared_ops").Int
		if err == nil && r.Field("safe").Truth() {
			return name, nil
		}
		if err == nil && client.Pause(ctx, memberPoll) == nil {
			continue
		}
		switch {
		case k.Ctx().Err() != nil:
			return "", k.Ctx().Err()
		case err != nil:
			return "", err
		}
		why, next := fmt.Sprintf("no other leader is known to have %s that it acknowledged", show.Count(int(unshared), "write")), "kv status says which leaders lag"
		if r.Field("alone").Truth() {
			why, next = why+", and there is no other leader", "start another leader with --join, or stop this one and keep its data directory"
		}
		return "", &cliutil.Problem{What: "drain: " + show.Printable(name) + " is not safe to stop after " + limit.String(), Why: why, Code: cliutil.Unreachable,
			Next: next + "; it takes no writes meanwhile, kv admin drain " + show.Printable(name) + " --lift lets it"}
	}
}

func leaveNode(k *invoke.Call) error {
	l, err := reach(k, k.Args().First())
	if err != nil {
		return err
	}
	ctx, cancel, limit := within(k)
	defer cancel()
	return leave(ctx, k, l, limit)
}

// leave drains a leader, lets it end, and tells all others that it is gone for good.
func leave(ctx context.Context, k *invoke.Call, l *client.Leader, limit time.Duration) error {
	others := k.Opened.Open(l.Node).Nodes(ctx) // a context may not name all
	name, err := drain(ctx, k, l, limit)
	if err != nil {
		return err
	}
	if _, err := l.Do(ctx, "KVD.LEAVE"); err != nil {
		return err
	}
	var told []string
	var missing []client.Absentee
	for _, n := range others {
		if n.Name == name {
			continue
		}
		if err := tellGone(ctx, k, k.Opened.Open(n), name); err != nil {
			missing = append(missing, client.Absentee{Node: n, Err: err})
			continue
		}
		told = append(told, n.Name)
	}
	if len(told) == 0 {
		return &cliutil.Problem{What: "leave: " + show.Printable(name) + " has left, and nobody could be told", Why: strings.Join(show.WhoIsMissing(missing), "\n      "), Code: cliutil.Unreachable,
			Next: "kv admin forget " + show.Printable(name) + " tells them when they are there"}
	}
	for _, a := range missing {
		k.Say(show.Missed(a) + "; it is told when it is back")
	}
	return k.Out.Put(show.Facts(show.Printable(name)+" has left for good; "+cliutil.Series(show.ShownAll(told))+map[bool]string{true: " has", false: " have"}[len(told) == 1]+" all that it acknowledged", name,
		show.WordFact("leader", name), show.TruthFact("left", true), show.ListFact("told", told)))
}

// tellGone lets a leader forget one that is about to end, as soon as it sees that.
func tellGone(ctx context.Context, k *invoke.Call, l *client.Leader, name string) error {
	for {
		_, err := l.Do(ctx, "KVD.FORGET", name)
		if client.Code(err) != "ALIVE" {
			return err
		}
		if waited := client.Pause(ctx, memberPoll); waited != nil {
			return cmp.Or(k.Ctx().Err(), err)
		}
	}
}

func replaceNode(k *invoke.Call) error {
	older, newer := k.Args().Get(0), k.Args().Get(1)
	if older == newer {
		return cliutil.Usage("a leader cannot take its own place", "both are "+show.Printable(older), "start the new one under another name, then kv admin replace OLD NEW")
	}
	l, err := reach(k, newer)
	if err != nil {
		return err
	}
	ctx, cancel, limit := within(k)
	defer cancel()
	for {
		s, err := l.Status(ctx)
		if err == nil && s.Ready && !lacksOf(&s, older) {
			break
		}
		if client.Pause(ctx, memberPoll) == nil {
			continue
		}
		why := "it is not ready, or has not all that " + show.Printable(older) + " has"
		if err != nil {
			why = show.ReasonOf(err)
		}
		return cmp.Or(k.Ctx().Err(), error(&cliutil.Problem{What: "replace: " + show.Printable(newer) + " cannot take the place of " + show.Printable(older) + " after " + limit.String(), Why: why, Code: cliutil.Unreachable,
			Next: "kv status says how far it is; nothing has changed"}))
	}
	old, err := reach(k, older)
	if err != nil {
		return err
	}
	if _, err := old.Do(ctx, "PING"); client.Away(err) && !client.Late(err) {
		return forget(k, opened(k, l.Nodes(ctx)), []string{older}, false)
	}
	return leave(ctx, k, old, limit)
}

// lacksOf reports whether a leader has not applied something that the other is known to have.
func lacksOf(s *client.Status, other string) bool {
	for _, p := range s.Peers {
		if p.Name == other {
			return p.AheadOps > 0
		}
	}
	return false
}

func reload(k *invoke.Call) error {
	said, missing, err := invoke.Asking(k, func(l *client.Leader) (reloaded, error) {
		r, err := l.Do(k.Ctx(), "KVD.RELOAD")
		if told, refused := client.Said(err); refused {
			return reloaded{l.Name, r, told}, nil
		}
		return reloaded{cmp.Or(r.Field("leader").Text, l.Name), r, ""}, err
	}, func(r reloaded) string { return r.name })
	if err != nil {
		return err
	}
	k.Out.List()
	var refused []string
	for _, s := range said {
		read, waiting := s.Field("read").Texts(), s.Field("waiting").Texts()
		text := show.Printable(s.name) + " has read " + cliutil.Series(show.ShownAll(read)) + " again"
		switch {
		case s.refused != "":
			text = show.Printable(s.name) + ": " + show.Printable(s.refused)
			refused = append(refused, text)
		case len(waiting) > 0:
			text += "; from its next start on " + cliutil.Series(show.ShownAll(waiting)) + map[bool]string{true: " counts", false: " count"}[len(waiting) == 1]
		}
		if err := k.Out.Put(show.Facts(text, s.name, show.WordFact("leader", s.name), show.ListFact("read", read), show.ListFact("waiting", waiting), show.WordFact("refused", s.refused))); err != nil {
			return err
		}
	}
	if len(refused) > 0 {
		return &cliutil.Problem{What: "reload", Why: strings.Join(refused, "\n      "), Next: "mend what is named and ask again; the logs of those leaders say the same", Code: cliutil.Failed}
	}
	return k.Verdict(invoke.Ending{Missing: missing})
}

// reloaded is a leader's answer to KVD.RELOAD.
type reloaded struct {
	name string
	client.Reply
	refused string // in its words; empty: it was not
}
