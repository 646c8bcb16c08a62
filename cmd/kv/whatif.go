package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

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
			About: "Reads one leader's log, up to what it has applied now, and replays it here: what each\nresolver would keep and lose, which keys would show something else, and what lww would\nlose with worse clocks. The leader only sends its log, a page at a time.\n\nExamples:\n   kv whatif --resolvers lww,siblings --prefix cart:\n   kv whatif --skew none --differences 100 -o json\n   kv whatif --skew 0,1ms,10ms,1s --html curves.html"},
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
	k.ClearProgress()
	if err != nil {
		return noLog(k, err)
	}
	if err := whatif.Draw(k.Context, whatif.Report{Report: report}); err != nil {
		return err
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
	progress := k.Progress()
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

func exportSpec() invoke.Spec {
	return invoke.Spec{Name: "export", Usage: "write a leader's history to a file", Args: "FILE", Least: 1, Most: 1, Do: on(export),
		About: "All writes that the leader has applied now, by whatever leader they were accepted, in an\norder that respects causality. kvd replay reads the file. It is no backup: a leader cannot\nstart from it. The file appears when it is whole, and links to it stay. A FILE of - is\nstandard output, and a device or a pipe is written to as it is; what was written is then\ntold on standard error. kvd replay - reads it there.\n\nExamples:\n   kv export week.history\n   kv export - | gzip > week.history.gz\n   kv export - --prefix cart: | kvd replay -",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only writes to keys that begin with `TEXT`"},
			&cli.BoolFlag{Name: "force", Usage: "replace a file that is there, or write to a terminal or over a disk"},
		}}
}

func export(k *call) error {
	if k.Args().First() == "" { // all would be read before the file is named so
		return cliutil.Usage("no file has an empty name", "the argument is", "kv export FILE")
	}
	to, err := cliutil.Await(k.Ctx(), func() (cliutil.Destination, error) {
		return cliutil.Toward(k.Args().First(), k.App.Writer, k.Bool("force"))
	})
	if err != nil {
		return unwritten(k, to, err)
	}
	if to.Stream != nil {
		defer to.Stream.Close() // where it does not come so far that this could fail
	}
	p, err := k.past(k.String("prefix"))
	if err != nil {
		return err
	}
	defer p.Close()
	tell := k.farRead(p.Ops)
	saved, err := p.Save(study.Target{Path: to.Path, Force: k.Bool("force"), Stream: to.Stream}, func(ops int) { tell(1, ops) })
	if to.Stream != nil {
		err = errors.Join(err, to.Stream.Close())
	}
	k.ClearProgress()
	if err != nil {
		return unwritten(k, to, err)
	}
	say := fmt.Sprintf("%s holds %d ops in %d bytes, as applied by %s", show.Brief(k.Args().First()), saved.Ops, saved.Bytes, p.By())
	if to.Stream != nil {
		k.Say(say)
		return nil
	}
	return k.Out.Put(show.Facts(say, fmt.Sprint(saved.Ops), show.WordFact("file", k.Args().First()), show.NumberFact("ops", int64(saved.Ops)), show.NumberFact("bytes", saved.Bytes),
		show.WordFact("leader", p.Leader), show.WordFact("applied", p.UpTo.String())))
}

// unwritten says what to do where a history cannot be written.
func unwritten(k *call, to cliutil.Destination, err error) error {
	var r *client.Refusal
	next := "make room, or name a file somewhere else; nothing was left behind"
	switch {
	case errors.As(err, &r):
		return noLog(k, err)
	case errors.Is(err, os.ErrExist):
		next = "name another file, or --force to replace it"
	case errors.Is(err, cliutil.ErrTerminal):
		next = "kv export - > FILE, or --force"
	case to.Stream != nil:
		next = "what was written there is not whole, and kvd replay says so"
	}
	return cliutil.Fail(k.Subject(), err, next)
}
