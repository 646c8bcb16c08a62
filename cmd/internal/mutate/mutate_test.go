package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// toy has something of every kind. Its test holds all but one thing: what becomes of
// 9, which is just below the limit.
var toy = map[string]string{
	"go.mod": "module toy\n\ngo 1.26\n",
	"a/a.go": `package a

import "cmp"

const limit = 10

func clamp(n int) int {
	if n > limit-1 {
		n = limit
	}
	return n
}

func both(a, b bool) bool { return a && !b }

func either(a, b bool) bool {
	return a ||
		b
}

func first(s []int) (sum int, odd bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			sum++
			continue
		}
		sum += min(s[i], 2)
	}
	switch {
	case sum+1 > 5:
		return sum, true
	}
	return len(s[1:]), false
}

func order(a, b float64) int {
	if a < b {
		return -1
	}
	return cmp.Compare(a, b)
}
`,
	"a/a_test.go": `package a

import "testing"

func TestNothing(*testing.T) {}

func TestAll(t *testing.T) {
	for n, want := range map[int]int{7: 7, 8: 8, 10: 10, 12: 10} {
		if clamp(n) != want {
			t.Error("clamp", n)
		}
	}
	for i := range 4 {
		a, b := i&1 > 0, i&2 > 0
		if both(a, b) != (i == 1) || either(a, b) != (i > 0) {
			t.Error("logic", i)
		}
	}
	for _, c := range []struct{ s []int; n int; odd bool }{
		{[]int{3, 0, 2}, 5, true}, {[]int{1, 0, 1}, 2, false}, {[]int{2, 2}, 1, false}, {[]int{2, 2, 1, 1}, 6, true}, {[]int{1, 1, 1, 1, 1}, 5, true},
	} {
		if n, odd := first(c.s); n != c.n || odd != c.odd {
			t.Error("first", c.s, n, odd)
		}
	}
	for i, want := range []int{-1, 0, 1} {
		if order(float64(i), 1) != want {
			t.Error("order", i)
		}
	}
}
`,
}

const listedOfToy = `
a/a.go clamp | n > limit-1 → n > 1 + limit-1
	the limit is what it is clamped to
a/a.go first | without continue
	nothing more is added
a/a.go order | a < b → false
	the other way says the same
a/a.go order | a < b → a >= b
	there is no such mutant: the condition is forced both ways instead
`

// written is the folder of a module with the files.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestAPackageWithoutTestsReachesNothing, though tests of another may.
func TestAPackageWithoutTestsReachesNothing(t *testing.T) {
	dir := written(t, map[string]string{
		"go.mod": "module toy\n\ngo 1.24\n",
		"b/b.go": "package b\n\nfunc Less(a, b int) bool { return a < b }\n",
	})
	r, err := sweep(options{dir: dir, jobs: 1}, "b", nil, io.Discard)
	if err != nil || len(r.unreached) == 0 || len(r.tried) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestExactlyTheSurvivorIsFound(t *testing.T) {
	dir := written(t, toy)
	list, err := equivalents(listedOfToy)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sweep(options{dir: dir, jobs: 2}, "a", list, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	report(&out, options{}, []*result{r})
	const want = `package  mutants  equivalent  not tried  not reached  killed  survived  of which no test sees
a        33       3           0          0            29      1         1

a: survived, no test has values that the change would alter
	a/a.go:8 clamp | n > limit-1 → n >= limit-1

equivalent.txt lists a change that there is no more: a/a.go order | a < b → a >= b
`
	if out.String() != want {
		report(&out, options{all: true}, []*result{r})
		t.Errorf("found\n%s\nwant the first part to be\n%s", out.String(), want)
	}
}

func TestTheListOfEquivalentsIsRead(t *testing.T) {
	if list, err := equivalents(equivalentText); err != nil || len(list) == 0 {
		t.Errorf("equivalent.txt: %d entries, %v", len(list), err)
	}
	for _, bad := range []string{"\treason without a change\n", "a change\nanother change\n"} {
		if _, err := equivalents(bad); err == nil {
			t.Errorf("%q is read as a list", bad)
		}
	}
}
