package main

import (
	"slices"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func statusSpec() invoke.Spec {
	return invoke.Spec{Name: "status", Usage: "print how all members are, in one table", Least: 0, Most: 0, Do: on(status),
		About: "All members are asked at once, those too that only other members name: one that does\n" +
			"not answer is a row that says so.\n\n" +
			"lacks         ops that others have and it lacks, and for how long\n" +
			"unshared      ops acknowledged there that are not known to be durable elsewhere\n" +
			"lag to        ops that it has and each other is not known to have, and for how long\n" +
			"lag from      ops that each other member has and that are not applied there\n" +
			"clock offset  where the others' clocks stand against its own; positive: ahead\n" +
			"clock error   what it claims for its own clock\n" +
			"log, memory   bytes of the log's files, and of the process; of kvd dev all leaders are one\n" +
			"alarms        how many things somebody should look at; each is a line below the table\n\n" +
			"-o json has the same numbers, and GET /status of each leader more of them.\n" +
			"Exit codes: 0 all answer, are ready and have no alarm; 4 there are alarms; 5 somebody\n" +
			"does not answer or is not ready.\n\nExample:\n   kv status -q >/dev/null || mail -s 'kvd needs a look' ops"}
}

func status(k *call) error {
	leaders, err := k.All()
	if err != nil {
		return err
	}
	all := k.Opened.Statuses(k.Ctx(), leaders)
	if k.Ctx().Err() != nil {
		return k.Ctx().Err()
	}
	all = k.withoutForgotten(all)
	if k.Out.Name == "text" {
		err = k.Out.Put(show.StatusTable(all))
	} else {
		err = show.PutList(k.Out, all, show.MemberStatus)
	}
	if err != nil {
		return err
	}
	return judgeStatus(all)
}

// withoutForgotten leaves out who did not answer and is forgotten: a context may still
// name it.
func (k *call) withoutForgotten(all []client.MemberStatus) []client.MemberStatus {
	var silent []client.Absentee
	var there []*client.Leader
	for _, m := range all {
		if m.Said == nil {
			silent = append(silent, client.Absentee{Node: m.Node, Err: m.Err})
		} else {
			there = append(there, k.Opened.Open(m.Node))
		}
	}
	missed := client.StillMissed(k.Ctx(), silent, there)
	k.SayForgotten(len(silent) - len(missed))
	return slices.DeleteFunc(all, func(m client.MemberStatus) bool {
		return m.Said == nil && !slices.ContainsFunc(missed, func(a client.Absentee) bool { return a.Node == m.Node })
	})
}

func judgeStatus(all []client.MemberStatus) error {
	var silent, unready, alarmed []string
	for _, m := range all {
		switch name := show.Printable(m.Name); {
		case m.Said == nil:
			silent = append(silent, name)
		case !m.Said.Ready:
			unready = append(unready, name)
		case len(m.Said.Alarms) > 0:
			alarmed = append(alarmed, name)
		}
	}
	p := &cliutil.Problem{What: "status", Why: show.Count(len(show.AlarmLines(all)), "thing") + " to look at; a line below the table says each", Code: cliutil.Unreachable,
		Next: "/health/ready and /status of a leader say more"}
	switch {
	case len(silent) > 0:
		p.What += ": " + cliutil.Series(silent) + map[bool]string{true: " does", false: " do"}[len(silent) == 1] + " not answer"
	case len(unready) > 0:
		p.What += ": " + cliutil.Series(unready) + map[bool]string{true: " is", false: " are"}[len(unready) == 1] + " not ready"
	case len(alarmed) > 0:
		p.What, p.Code = p.What+": alarms at "+cliutil.Series(alarmed), cliutil.Differs
	default:
		return nil
	}
	return p
}
