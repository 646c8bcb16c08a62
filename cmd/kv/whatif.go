package main

import (
	"fmt"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/whatif"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
	"kvd/replica/client/study"
)

func whatIfSpecs() []invoke.Spec {
	return []invoke.Spec{
		{Name: "whatif", Usage: "judge the recorded writes by every resolver", Least: 0, Most: 0, Do: on(whatIf), Flags: whatif.Flags(),
			About: "Reads one leader's log, up to what it has applied now, and replays it here: what each\nresolver would keep and lose, which keys would show something else, and what lww would\nlose with worse clocks. The leader only sends its log, a page at a time.\n\nExamples:\n   kv whatif --resolvers lww,siblings --prefix cart:\n   kv whatif --skew none --differences 100 -o json"},
		exportSpec(),
	}
}

// past is the history of the leader that is asked, as it stands. From here on the process
// gives way to leaders beside it. The caller closes it.
func (k *call) past(prefix string) (*study.Past, error) {
	if err := cliutil.StepBack(); err != nil {
		k.Say(err.Error() + "; a leader on this machine may feel it")
	}
	l, err := k.Leader()
	if err != nil {
		return nil, err
	}
	p, err := study.Of(k.Ctx(), l, prefix)
	if err == nil && p.Unnamed != nil {
		k.Say("whose the origins are is not known: " + p.Unnamed.Error())
	}
	return p, err
}

func whatIf(k *call) error {
	asked, err := whatif.Asked(k.Context)
	if err != nil {
		return err
	}
	p, err := k.past(asked.Prefix)
	if err != nil {
		return err
	}
	defer p.Close()
	report, err := asked.Study(p.Context(), p.Subject, k.farRead(p.Ops))
	k.clear()
	if err != nil {
		return noLog(k, err)
	}
	if k.String("output") != "table" {
		return k.Out.Put(show.WhatIf(whatif.Report{Report: report}))
	}
	for i := range report.Outcomes {
		if err := k.Out.Put(show.Outcome(&report.Outcomes[i])); err != nil {
			return err
		}
	}
	return nil
}

// farRead tells how far reading is; of zero is not known.
func (k *call) farRead(of int) func(pass, ops int) {
	progress := k.progress()
	return func(pass, ops int) {
		text := fmt.Sprintf("read %d ops", ops)
		if of > 0 {
			text += fmt.Sprintf(" of %d", of)
		}
		if pass > 1 {
			text += fmt.Sprintf(", for the %d. time", pass)
		}
		progress.Say(text)
	}
}

// noLog says it plainly where a server cannot be asked for its log.
func noLog(k *call, err error) error {
	if client.Unknown(err) {
		return &cliutil.Problem{What: k.Subject(), Why: "this server has no KVD.LOG: it keeps the writes and does not give them away", Next: "a newer one does"}
	}
	return err
}
