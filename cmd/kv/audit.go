package main

import (
	"errors"
	"strconv"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/answers"
)

func auditSpec() invoke.Spec {
	return invoke.Spec{Name: "audit", Usage: "hold every accepted write against what is live, superseded and lost", Least: 0, Most: 0, Do: on(audit),
		About: "Each leader counts its log, its objects and its ledger, by resolver; the sums must come\nout (4 if not). Lost ones are inverted or concurrent; evicted ones the ledger has given up.\nThe rest must be 0: none and two count writes that are in no place, or in two; beyond\nwhat a log no longer has. Settled are writes whose dots were given twice, by a leader and\nits copy, and are settled: they are counted nowhere else. " + invoke.AboutScans + "\n" + invoke.AboutAsking +
			"\n\nExamples:\n   kv audit\n   kv audit --prefix user: -o table     a row for each leader and resolver\n   kv audit --sample 100                one key in a hundred, the same ones everywhere",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
			&cli.Uint64Flag{Name: "sample", Usage: "only one key in `N`, chosen by a hash"}, invoke.OnlyFlag(), invoke.MissingFlag(),
		}}
}

func audit(k *call) error {
	words := []string{"KVD.AUDIT"}
	if prefix := k.String("prefix"); prefix != "" {
		words = append(words, "PREFIX", prefix)
	}
	if n := k.Uint64("sample"); n > 0 {
		words = append(words, "SAMPLE", strconv.FormatUint(n, 10))
	}
	said, missing, err := k.ScanAll(words...)
	if err != nil {
		return err
	}
	all, err := answers.AuditsOf(said, missing)
	if err != nil {
		return cliutil.Fail(k.Subject(), err, "a newer kv may know it")
	}
	if leaders, err := k.Everyone(); err == nil {
		all.Differs = append(all.Differs, k.troubles(leaders)...)
	}
	if err := k.Out.Put(show.Audits(all)); err != nil {
		return err
	}
	err = k.Verdict(invoke.Ending{Differs: show.ShownAll(all.Differs), Missing: missing})
	if p := new(cliutil.Problem); len(all.Differs) > 0 && errors.As(err, &p) {
		p.What, p.Next = k.Subject()+": it does not add up", "kv audit -o json names the first writes that are in none or in two; kv fate DOT asks every leader about one"
	}
	return err
}
