package replicatest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// indent is what marks a line of a story as output.
const indent = "  "

// Stories plays the scripts in testdata/*.txt. A line is a command, which do carries
// out; what it returns, each line indented by two spaces, must be what follows the
// command in the file. Lines that begin with # are for people. Begin makes the do of
// one file. Update writes the files anew instead.
func Stories(t *testing.T, update bool, begin func(t *testing.T) (do func(words []string) string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := Play(string(want), begin(t))
			if update {
				err = os.WriteFile(file, []byte(got), 0o644)
			} else if got != string(want) {
				t.Errorf("%s differs first in line %d; with -update it becomes\n%s", file, differs(got, string(want)), got)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Play returns the script with what do returns written under each command.
func Play(script string, do func(words []string) string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, indent) {
			continue
		}
		fmt.Fprintln(&b, line)
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		for out := range strings.Lines(do(words)) {
			fmt.Fprintln(&b, indent+strings.TrimRight(out, "\n"))
		}
	}
	return b.String()
}

// differs is the number of the first line that is not the same, from one on.
func differs(a, b string) int {
	one, other := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(one), len(other)) {
		if one[i] != other[i] {
			return i + 1
		}
	}
	return min(len(one), len(other)) + 1
}
