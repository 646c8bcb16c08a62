package main

import (
	_ "embed"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

//go:embed equivalent.txt
var equivalentText string

// equivalents reads the list of changes that make no difference: a key, then the
// reason on the indented line after it.
func equivalents(text string) (map[string]string, error) {
	list := map[string]string{}
	key := ""
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, "\t") && key == "":
			key = line
		case strings.HasPrefix(line, "\t") && key != "":
			list[key], key = strings.TrimSpace(line), ""
		default:
			return nil, fmt.Errorf("equivalent.txt:%d: a change and an indented line with the reason take turns", i+1)
		}
	}
	return list, nil
}

type result struct {
	pkg        string
	mutants    int
	equivalent int       // listed as no difference, not run
	unreached  []*mutant // no test reaches it
	unseen     []*mutant // some run it, and none with values that the change would alter
	left       int       // not in the sample
	tried      []*mutant
	killed     []*mutant
	alive      []*mutant
	stale      []string // listed, and no change of these files any more
}

// sort sets aside what need not be run, and takes the sample.
func sort(o options, pkg string, mutants []*mutant, suites []*suite, list map[string]string) *result {
	r := &result{pkg: pkg, mutants: len(mutants)}
	used := map[string]bool{}
	for _, m := range mutants {
		key := pkg + "/" + m.key()
		used[key] = true
		switch {
		case !strings.Contains(key, o.only):
			r.left++
		case list[key] != "":
			r.equivalent++
		case seen(suites, m.id):
			r.tried = append(r.tried, m)
		case seen(suites, m.site):
			r.unseen = append(r.unseen, m)
		default:
			r.unreached = append(r.unreached, m)
		}
	}
	for key := range list {
		file, _, _ := strings.Cut(key, " ")
		if path.Dir(file) == pkg && !used[key] {
			r.stale = append(r.stale, key)
		}
	}
	if o.sample > 0 && len(r.tried) > o.sample {
		rand.New(rand.NewPCG(o.seed, 0)).Shuffle(len(r.tried), func(i, j int) { r.tried[i], r.tried[j] = r.tried[j], r.tried[i] })
		r.left += len(r.tried) - o.sample
		r.tried = r.tried[:o.sample]
	}
	return r
}

func seen(suites []*suite, id int) bool {
	return slices.ContainsFunc(suites, func(s *suite) bool {
		return slices.ContainsFunc(s.tests, func(t *test) bool { return t.sites[id] })
	})
}

func (r *result) run(o options, suites []*suite, progress io.Writer) {
	killed := make([]bool, len(r.tried))
	var telling sync.Mutex
	n := 0
	inParallel(o.jobs, len(r.tried), func(i int) {
		killed[i] = slices.ContainsFunc(suites, func(s *suite) bool { return s.kills(r.tried[i]) })
		line := ""
		if !killed[i] {
			line = "survives: " + r.location(r.tried[i])
		}
		telling.Lock()
		defer telling.Unlock()
		if n++; line != "" || n%100 == 0 {
			fmt.Fprintf(progress, "%s: %d of %d %s\n", r.pkg, n, len(r.tried), line)
		}
	})
	for i, m := range r.tried {
		if killed[i] {
			r.killed = append(r.killed, m)
		} else {
			r.alive = append(r.alive, m)
		}
	}
}

func (r *result) location(m *mutant) string {
	return fmt.Sprintf("%s/%s:%d %s | %s", r.pkg, m.file, m.line, m.fn, m.what)
}

func report(out io.Writer, o options, results []*result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "package\tmutants\tequivalent\tnot tried\tnot reached\tkilled\tsurvived\tof which no test sees")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", r.pkg, r.mutants, r.equivalent, r.left, len(r.unreached), len(r.killed), len(r.alive)+len(r.unseen), len(r.unseen))
	}
	w.Flush()
	for _, r := range results {
		list := func(title string, ms []*mutant) {
			if len(ms) > 0 {
				fmt.Fprintf(out, "\n%s: %s\n", r.pkg, title)
			}
			for _, m := range ms {
				fmt.Fprintln(out, "\t"+r.location(m))
			}
		}
		list("not reached", r.unreached)
		list("survived, no test has values that the change would alter", r.unseen)
		list("survived", r.alive)
		if o.all {
			list("killed", r.killed)
		}
		for _, key := range r.stale {
			fmt.Fprintf(out, "\nequivalent.txt lists a change that there is no more: %s\n", key)
		}
	}
}
