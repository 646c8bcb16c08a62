package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kvd/cmd/internal/clitest"
)

// TestMain lets scripts and tests call the program as they would from a shell.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kvd": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": clitest.Exits},
	})
}
