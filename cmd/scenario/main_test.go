package main

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"kvd/cmd/internal/clitest"
)

// TestMain lets the scripts call the program as they would from a shell.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"scenario": main})
}

func TestSynonymsMeanCommands(t *testing.T) {
	clitest.Synonyms(t, program(nil, nil, nil), synonyms())
}

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": clitest.Exits},
		UpdateScripts: *update,
	})
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "out", Err: errors.New("no space left on device")}
}

func TestWhatCannotBeWrittenIsAFailure(t *testing.T) {
	for _, line := range []string{"list", "verbs", "show relay", "check relay", "run relay --out none", "compare relay --out none",
		"compare relay -o json --out none", "compare relay -o markdown --out none", "explore --seeds 1 -r lww", "completion bash"} {
		var errs bytes.Buffer
		code := run(append([]string{"scenario"}, strings.Fields(line)...), strings.NewReader(""), fullDisk{}, &errs)
		if code != 1 || !strings.Contains(errs.String(), "no space left") || !strings.Contains(errs.String(), "next: make room") {
			t.Errorf("%s: exit %d, %q", line, code, errs.String())
		}
	}
}
