package main

import (
	"fmt"
	"io"
	"slices"

	"kvd/cmd/internal/contexts"
	"kvd/cmd/internal/leader"
)

// devContext is what clients call the cluster.
const devContext = "dev"

// remember writes the cluster into the file of contexts and makes it the one in
// use, so that kv needs no flags. What it returns takes that back. A file that
// cannot be written is no reason not to run.
func remember(w io.Writer, all []*leader.Leader) (forget func()) {
	ours := contexts.Context{Name: devContext}
	for _, l := range all {
		ours.Leaders = append(ours.Leaders, contexts.Leader{Name: l.Name(), Addr: l.Addrs().RESP})
	}
	before := ""
	err := edit(func(b *contexts.Book) error {
		if before = b.Current; before == devContext {
			before = ""
		}
		b.Put(ours)
		return b.Use(devContext)
	})
	if err != nil {
		fmt.Fprintf(w, "kvd: kv will need -n: %v\n", err)
		return func() {}
	}
	return func() {
		if err := edit(func(b *contexts.Book) error { return takeBack(b, ours, before) }); err != nil {
			fmt.Fprintf(w, "kvd: the context %s stays: %v\n", devContext, err)
		}
	}
}

// takeBack removes our context unless another cluster has put its own in its
// place, and goes back to the one that was in use.
func takeBack(b *contexts.Book, ours contexts.Context, before string) error {
	now, err := b.Get(devContext)
	if err != nil || !slices.Equal(now.Leaders, ours.Leaders) {
		return nil
	}
	current := b.Current
	if err := b.Remove(devContext); err != nil || current != devContext || before == "" {
		return err
	}
	if _, err := b.Get(before); err != nil {
		return nil // it is gone meanwhile
	}
	return b.Use(before)
}

// edit changes the file of contexts.
func edit(change func(*contexts.Book) error) error {
	path, err := contexts.Path()
	if err != nil {
		return err
	}
	b, err := contexts.Load(path)
	if err != nil {
		return err
	}
	if err := change(b); err != nil {
		return err
	}
	return contexts.Save(path, b)
}
