package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvd/scenarios"
	"kvd/scenarios/explore"
	"kvd/scenarios/script"
)

// TestAFailureIsToldAsItIsReplayed: a promise is made to break wherever an increment is
// in the history. What people are told has the command that plays the seed again, and a
// scenario that can be read back.
func TestAFailureIsToldAsItIsReplayed(t *testing.T) {
	lww, err := scenarios.ParseResolver("lww")
	if err != nil {
		t.Fatal(err)
	}
	broken := func(s *script.Scenario, o scenarios.Options) (*scenarios.Result, error) {
		r := &scenarios.Result{Scenario: s.Name, Resolver: o.Resolver.String(), Seed: o.Seed}
		for _, e := range s.Events {
			if strings.Contains(e.String(), " incr ") {
				r.Promises = []scenarios.Promise{{Check: "nobody adds", Why: "somebody did"}}
			}
		}
		return r, nil
	}
	var told string
	found, err := explore.Run(context.Background(), explore.Config{
		Seeds: 20, First: 1, Resolvers: []scenarios.Resolver{lww}, Run: broken, MaxFailures: 1,
		Found: func(f *explore.Failure) { told = failure(f) },
	})
	if err != nil || len(found.Failures) != 1 {
		t.Fatalf("%d failures, %v", len(found.Failures), err)
	}
	golden := filepath.Join("testdata", "failure.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(told), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if told != string(want) {
		t.Errorf("told\n%s\nwant\n%s", told, want)
	}
	_, text, _ := strings.Cut(told, "plays:\n\n")
	var out, errs bytes.Buffer
	if code := run([]string{"scenario", "check", "-"}, strings.NewReader(text), &out, &errs); code != 0 {
		t.Errorf("scenario check: exit %d\n%s", code, errs.String())
	}
	if text := outcome(found); text != "1 history broke a promise, and no more were begun; --failures 0 plays all" {
		t.Error(text)
	}
}
