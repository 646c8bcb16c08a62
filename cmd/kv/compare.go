package main

import (
	"fmt"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// batchKeys is how many keys are compared at a time.
const batchKeys = 256

func compare(k *call) error {
	if (k.NArg() == 1) == k.IsSet("prefix") {
		return cliutil.Usage("kv compare takes a key, or --prefix", fmt.Sprintf("%d keys are named, and --prefix is %q", k.NArg(), k.String("prefix")), "kv compare --prefix ''  compares everything")
	}
	leaders, err := k.Several()
	if err == nil && k.Bool("missing-ok") {
		leaders, err = k.Present(leaders)
	}
	if err != nil {
		return err
	}
	k.Out.List()
	var t compared
	if k.NArg() == 1 {
		err = t.compare(k, leaders, k.Args().Slice())
	} else {
		err = t.walk(k, leaders)
	}
	if err != nil {
		return err
	}
	k.Say(fmt.Sprintf("%s compared at %d leaders, %d different", show.Count(t.keys, "key"), len(leaders), t.different))
	if t.different > 0 {
		return &cliutil.Problem{What: k.Subject() + ": leaders differ", Why: show.Count(t.different, "key") + " of " + fmt.Sprint(t.keys) + " shown differently",
			Next: "kv wait --converged waits for what is on its way; then compare again", Code: cliutil.Differs}
	}
	return k.inOrder(leaders)
}

// compared counts what was compared.
type compared struct{ keys, different int }

// compare asks every leader for the keys, and prints what there is to print.
func (t *compared) compare(k *call, leaders []*client.Leader, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	all, err := client.Compare(k.Ctx(), leaders, keys)
	if err != nil {
		return err
	}
	for _, c := range all {
		t.keys++
		if c.Same() && !k.Bool("all") {
			continue
		}
		if !c.Same() {
			t.different++
		}
		if err := k.Out.Put(show.Comparison(c)); err != nil {
			return err
		}
	}
	return nil
}

// walk compares all keys of the prefix that any leader has, some at a time.
func (t *compared) walk(k *call, leaders []*client.Leader) error {
	var keys []string
	for key, err := range client.MergedKeys(k.Ctx(), leaders, client.Glob(k.String("prefix"))+"*") {
		if err != nil {
			return err
		}
		if keys = append(keys, key); len(keys) < batchKeys {
			continue
		}
		if err := t.compare(k, leaders, keys); err != nil {
			return err
		}
		keys = keys[:0]
	}
	return t.compare(k, leaders, keys)
}
