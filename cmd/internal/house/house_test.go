package house

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// agreed is the top level of the repository. Names that begin with a dot are
// free; runs is what playing scenarios leaves behind and git ignores.
var agreed = []string{
	"go.mod", "go.sum", "cmd", "replica", "resolve", "logical", "wallclock", "storage", "scenarios", "README.md", "runs",
}

func TestTheTreeKeepsTheRules(t *testing.T) {
	files := tree(t, top(t))
	if len(files) < 50 {
		t.Fatalf("read only %d files", len(files))
	}
	for _, r := range rows() {
		t.Run(strings.ReplaceAll(r.name, "/", "."), func(t *testing.T) {
			for _, s := range files {
				for _, found := range r.find(s) {
					t.Errorf("%s %s\n\trule: %s\n\twhy:  %s", s.path, found, r.name, r.why)
				}
			}
		})
	}
}

func TestTheTopLevelIsFixed(t *testing.T) {
	entries, err := os.ReadDir(top(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(agreed, e.Name()) {
			t.Errorf("%s is at the top level\n\trule: the top level is fixed\n\twhy:  a newcomer learns the rooms once", e.Name())
		}
	}
}

func TestEveryRowHasAReason(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		if r.name == "" || r.why == "" || r.find == nil || seen[r.name] {
			t.Errorf("row %q: a name of its own, a reason and a check are needed", r.name)
		}
		seen[r.name] = true
	}
}
