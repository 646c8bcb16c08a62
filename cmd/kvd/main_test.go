package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kvd/cmd/internal/clitest"
)

// TestMain lets scripts and tests call the program as they would from a shell. Most
// tests wait for processes of their own, and do so beside each other, as many as
// -parallel says.
func TestMain(m *testing.M) {
	clitest.Parallel(6)
	testscript.Main(m, map[string]func(){"kvd": main})
}

func TestSynonymsMeanCommands(t *testing.T) {
	clitest.Synonyms(t, program(nil, nil, nil), synonyms())
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": clitest.Exits},
	})
}
