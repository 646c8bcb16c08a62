package main

import (
	"slices"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func clockSpec() invoke.Spec {
	return invoke.Spec{Name: "clock", Usage: "print what all members know of their clocks, and how far apart those are", Least: 0, Most: 0, Do: on(clock),
		About: "judged by     who says how right the clock is (kvd serve --clock); claim: nobody does\n" +
			"error         how far true time may be from what it shows, either way\n" +
			"answer's age  since the source last answered; the error grows by 500 µs each second\n" +
			"set           how often the machine's clock was seen to be set, since the leader began\n" +
			"contradicted  answers that did not go with the ones before: a source was wrong, or the\n" +
			"              machine stood still\n" +
			"members say   whether the member's clock, with the error that it claims, is where most of\n" +
			"              all configured members place true time (kvd serve --quarantine); of two\n" +
			"              members that contradict each other nobody knows which is wrong\n\n" +
			"A line a source says what it answered, or why it did not. The matrix has a row for each\n" +
			"member: where it sees the others' clocks, which needs messages both ways.\n\n" +
			"Exit codes: 0 all is well; 4 clocks are apart, or a source that was named does not\n" +
			"answer; 5 a member does not answer.\n\nExample:\n   kv clock -o json"}
}

func clock(k *call) error {
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
		err = k.Out.Put(show.ClockTable(all))
	} else {
		err = show.PutList(k.Out, all, show.MemberClock)
	}
	if err != nil {
		return err
	}
	return judgeClocks(all)
}

// clockCauses are the alarms that are about clocks.
var clockCauses = []string{"clocks", "clock-source", "clock-wrong", "clocks-split"}

func judgeClocks(all []client.MemberStatus) error {
	p := &cliutil.Problem{What: "clock", Code: cliutil.Differs, Next: "mend the time service of the machine that most others see apart"}
	for i := range all {
		if all[i].Said == nil {
			p.What += ": " + show.Printable(all[i].Name) + " does not answer"
			p.Why, p.Next, p.Code = "its clock is not known", "kv status says more", cliutil.Unreachable
			return p
		}
	}
	for i := range all {
		for _, a := range all[i].Said.Alarms {
			if slices.Contains(clockCauses, a.Cause) {
				if p.Why = show.Printable(a.Detail); a.Cause == "clock-source" {
					p.Next = "mend that source, or name another with kvd serve --clock"
				}
				return p
			}
		}
	}
	return nil
}
