package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	historyfile "kvd/storage/history"
)

func exportSpec() spec {
	return spec{name: "export", usage: "write a leader's history to a file", args: "FILE", least: 1, most: 1, do: export,
		about: "All writes that the leader has applied now, by whatever leader they were accepted, in an\norder that respects causality. kvd replay reads the file. It is no backup: a leader cannot\nstart from it. The file appears when it is whole.",
		flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only writes to keys that begin with `TEXT`"},
			&cli.BoolFlag{Name: "force", Usage: "replace a file that is there"},
		}}
}

func export(k *call) error {
	if k.Args().First() == "" { // all would be read before the file is named so
		return cliutil.Usage("no file has an empty name", "the argument is", "kv export FILE")
	}
	p, err := k.past(k.String("prefix"))
	if err != nil {
		return err
	}
	defer p.close()
	w, err := historyfile.Create(historyfile.Options{Path: k.Args().First(), Force: k.Bool("force")}, historyfile.Header{
		Leader: p.Leader, At: p.At, Prefix: p.Prefix, Policy: p.Policy, UpTo: p.UpTo, Names: p.names,
	})
	if err == nil {
		err = k.copyInto(w, p)
	}
	k.clear()
	if err != nil {
		return unwritten(k, err)
	}
	return k.out.put(facts{
		say:  fmt.Sprintf("%s holds %d ops in %d bytes, as applied by %s", brief(k.Args().First()), w.Ops(), w.Bytes(), p.log.leader),
		bare: fmt.Sprint(w.Ops()),
		all: []fact{wordFact("file", k.Args().First()), numberFact("ops", int64(w.Ops())), numberFact("bytes", w.Bytes()),
			wordFact("leader", p.Leader), wordFact("applied", p.UpTo.String())},
	})
}

// copyInto writes all ops, or leaves nothing behind.
func (k *call) copyInto(w *historyfile.Writer, p *past) error {
	tell := k.farRead(p.Ops)
	var err error
	for op := range p.All() {
		if err = errors.Join(k.ctx().Err(), w.Put(op)); err != nil {
			break
		}
		if w.Ops()%(1<<14) == 1 {
			tell(1, w.Ops())
		}
	}
	if err = errors.Join(err, p.Err()); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Finish()
}

// unwritten says what to do where a file cannot be written.
func unwritten(k *call, err error) error {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return noLog(k, err)
	case errors.Is(err, os.ErrExist):
		return cliutil.Fail(k.subject(), err, "name another file, or --force to replace it")
	}
	return cliutil.Fail(k.subject(), err, "make room, or name a file somewhere else; nothing was left behind")
}
