package admin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func repairSpec() invoke.Spec {
	return invoke.Spec{Name: "repair", Usage: "compare what leaders hold, and mend what is wrong", Least: 0, Most: 0, Do: repair,
		About: "Every leader compares all its keys with every other, and mends what is not what its writes\n" +
			"come to; what a fault of memory, of a disk or of the program has done, and no checksum\n" +
			"shows. They go on serving. What differs because writes are under way is told apart, by\n" +
			"the logs, so nothing is found under load that is not there.\n" +
			"A wrong key is joined from what both leaders hold and what their logs still say. Absence\n" +
			"is never read as deletion. A key that is undecided has two contents of one write that\n" +
			"no log knows any more: write it again.\n" +
			"Leaders do so by themselves too: kvd serve --repair-every. Exit code 4: something is wrong\n" +
			"still: it was to be looked for only, or is undecided, or wrong at a leader that was not\n" +
			"asked.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "keys that begin with `TEXT` alone"},
			&cli.BoolFlag{Name: "dry-run", Usage: "mend nothing"},
			invoke.OnlyFlag(), invoke.MissingFlag(),
		}}
}

// repaired is what one leader found when it compared with another.
type repaired struct {
	leader, peer string
	n            map[string]int64
}

var repairCounts = []string{"keys", "differences", "bytes", "explained", "mended", "wrong", "theirs", "undecided"}

func repair(k *invoke.Call) error {
	leaders, err := k.Everyone()
	if err != nil {
		return err
	}
	k.Out.List()
	s := repairs{Call: k, asked: map[string]bool{}}
	for _, l := range leaders {
		s.asked[l.Name] = true
	}
	for _, l := range leaders {
		if err := s.leader(l); err != nil {
			return err
		}
	}
	return s.verdict()
}

// repairs is what all leaders found.
type repairs struct {
	*invoke.Call
	asked   map[string]bool // leaders, by name
	pairs   int             // that were compared
	bad     []string        // what is wrong still
	apart   error           // of pairs that could not be compared
	missing []client.Absentee
}

// leader lets a leader compare with all others.
func (s *repairs) leader(l *client.Leader) error {
	members, err := l.Members(s.Ctx())
	if err != nil {
		s.missing = append(s.missing, client.Absentee{Node: l.Node, Err: err})
		return s.Ctx().Err()
	}
	for _, m := range members {
		if m.Name == l.Name || m.Status == "left" {
			continue
		}
		r, err := repairWith(s.Call, l, m.Name)
		switch code := client.Code(err); {
		case s.Ctx().Err() != nil:
			return s.Ctx().Err()
		case code == "ITSELF":
			continue
		case code == "NOTCOMPARED":
			s.apart = errors.Join(s.apart, err)
			continue
		case client.Unknown(err), code != "":
			return err
		case err != nil:
			s.missing = append(s.missing, client.Absentee{Node: l.Node, Err: err})
			return nil
		}
		if err := s.take(r); err != nil {
			return err
		}
	}
	return nil
}

// take prints what a pair came to.
func (s *repairs) take(r *repaired) error {
	s.pairs++
	if n := r.n["wrong"] + r.n["undecided"]; n > 0 {
		s.bad = append(s.bad, fmt.Sprintf("%s holds %s otherwise than %s", r.leader, show.Count(int(n), "key"), r.peer))
	}
	if n := r.n["theirs"]; n > 0 && !s.Bool("dry-run") && !s.asked[r.peer] {
		s.bad = append(s.bad, fmt.Sprintf("%s holds %s wrongly, as %s sees it", r.peer, show.Count(int(n), "key"), r.leader))
	}
	return s.Out.Put(r.record())
}

func (s *repairs) verdict() error {
	switch {
	case len(s.bad) > 0:
		return &cliutil.Problem{What: s.Subject() + ": leaders hold what their writes do not come to", Why: strings.Join(s.bad, "\n      "),
			Next: "kv admin repair mends what can be mended; write a key that is undecided again, or delete it", Code: cliutil.Differs}
	case s.apart != nil && !s.Bool("missing-ok"):
		return s.apart
	case s.pairs == 0 && len(s.missing) == 0:
		return &cliutil.Problem{What: s.Subject() + ": there is nothing to compare with", Why: "no leader reaches another", Next: "kv members lists them", Code: cliutil.Absent}
	}
	return s.Verdict(invoke.Ending{Missing: s.missing})
}

// repairWith lets a leader compare with another, some ranges at a time.
func repairWith(k *invoke.Call, l *client.Leader, peer string) (*repaired, error) {
	all := &repaired{l.Name, peer, map[string]int64{}}
	after, begun := "", false
	for {
		words := []string{"KVD.REPAIR", peer, "PREFIX", k.String("prefix")}
		if begun {
			words = append(words, "AFTER", after)
		}
		if k.Bool("dry-run") {
			words = append(words, "DRYRUN")
		}
		r, err := l.Do(k.Ctx(), words...)
		if err != nil {
			return nil, err
		}
		all.leader = r.Field("leader").Text
		for _, name := range repairCounts {
			all.n[name] += r.Field(name).Int
		}
		for _, f := range r.Field("findings").Items {
			k.Say(fmt.Sprintf("%s: %s is %s: %s", l.Name, show.Brief(f.Field("key").Text), f.Field("outcome").Text, f.Field("detail").Text))
		}
		next := r.Field("next")
		if next.Null {
			return all, nil
		}
		after, begun = next.Text, true
	}
}

func (r *repaired) record() show.Record {
	found := ""
	for _, o := range []string{"mended", "wrong", "theirs", "undecided"} {
		if n := r.n[o]; n > 0 {
			found += fmt.Sprintf(", %d %s", n, o)
		}
	}
	if found == "" {
		found = ", nothing wrong"
	}
	facts := []show.Fact{show.WordFact("leader", r.leader), show.WordFact("peer", r.peer)}
	for _, name := range repairCounts {
		facts = append(facts, show.NumberFact(name, r.n[name]))
	}
	return show.Facts(fmt.Sprintf("%s compared %s with %s%s", show.Printable(r.leader), show.Count(int(r.n["keys"]), "key"), show.Printable(r.peer), found), r.leader+" "+r.peer, facts...)
}
