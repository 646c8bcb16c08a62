package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/logical"
)

// aboutAsking is part of the help of every command that asks all leaders.
const aboutAsking = `
All leaders are asked at once, each for at most --timeout, or one alone with --only.
--missing-ok lets the answers of those that are there be enough.
Exit codes: 0 all answered and agree, 4 they disagree although they have applied the
same, 5 some could not be asked; what the others said is printed all the same.`

// orNothing adds the exit code of commands that are asked about one thing.
func orNothing(what string) string { return "\nExit code 3: " + what + "." }

func onlyFlag() cli.Flag {
	return &cli.BoolFlag{Name: "only", Usage: "ask the leader of -n and no other"}
}

// voice is who answered, and what it had applied when it did.
type voice struct {
	name    string // as it calls itself
	applied logical.Frontier
}

// voiceOf reads the fields leader and applied of an answer.
func voiceOf(l *leader, cmd string, r reply) (voice, error) {
	at := r.field("applied")
	if at.kind == aNull { // KVD.LOSSES was once without it
		return voice{}, &refusal{l, cmd, errors.New("this server answers " + cmd + " as older ones do, and cannot be held against others; a newer one can")}
	}
	applied, err := logical.ParseFrontier(at.text)
	if err != nil {
		return voice{}, &refusal{l, cmd, fmt.Errorf("the answer cannot be read: %w", err)}
	}
	v := voice{r.field("leader").text, applied}
	if v.name == "" {
		v.name = l.Name
	}
	return v, nil
}

// answered is one leader's answer to one command.
type answered struct {
	voice
	reply
}

// ask is a question of one command, to be put to several leaders.
func (k *call) ask(words ...string) func(*leader) (answered, error) {
	return func(l *leader) (answered, error) {
		r, err := l.do(k.ctx(), words...)
		if err != nil {
			return answered{}, err
		}
		v, err := voiceOf(l, words[0], r)
		return answered{v, r}, err
	}
}

// absentee is a leader that could not be asked.
type absentee struct {
	Leader string `json:"leader"`
	Addr   string `json:"addr"`
	Why    string `json:"why"`
}

// absentees is a list in JSON that is never null.
func absentees(missing []absentee) []absentee { return append([]absentee{}, missing...) }

func (a absentee) String() string {
	if a.Leader == a.Addr {
		return printable(a.Addr)
	}
	return printable(a.Leader) + " (" + printable(a.Addr) + ")"
}

// Text says who it is, and why.
func (a absentee) Text() string { return a.String() + ": " + a.Why }

func absenteeOf(l *leader, err error) absentee {
	var r *refusal
	if errors.As(err, &r) {
		err = r.err
	}
	why := reason(err)
	if unknown(err) {
		why = "this server does not have the command; a newer one may"
	}
	return absentee{l.Name, l.Addr, why}
}

// everyone is all leaders of the cluster, or the one that is to be asked alone.
func (k *call) everyone() ([]*leader, error) {
	if !k.Bool("only") {
		return k.all()
	}
	l, err := k.leader()
	return []*leader{l}, err
}

// gather asks all leaders at once. What they said is by name, and of each name
// once, should it have two addresses. Nobody answering is a failure, as is the
// user's interrupt.
func gather[T any](k *call, ask func(*leader) (T, error), name func(T) string) ([]T, []absentee, error) {
	leaders, err := k.everyone()
	if err != nil {
		return nil, nil, err
	}
	all, errs := make([]T, len(leaders)), make([]error, len(leaders))
	var wg sync.WaitGroup
	for i, l := range leaders {
		wg.Go(func() { all[i], errs[i] = ask(l) })
	}
	wg.Wait()
	if k.ctx().Err() != nil {
		return nil, nil, k.ctx().Err()
	}
	var said []T
	var missing []absentee
	for i, l := range leaders {
		if errs[i] != nil {
			missing = append(missing, absenteeOf(l, errs[i]))
			continue
		}
		said = append(said, all[i])
	}
	if len(said) == 0 {
		return nil, nil, nobody(missing, errs)
	}
	missing = k.stillMissed(missing, leaders)
	slices.SortStableFunc(said, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return slices.CompactFunc(said, func(a, b T) bool { return name(a) == name(b) }), missing, nil
}

// nobody is the failure when no leader answered: the first one's, and who else
// did not.
func nobody(missing []absentee, errs []error) error {
	if len(missing) == 1 {
		return errs[0]
	}
	p, ok := explain("no leader answered", errs[0]).(*cliutil.Problem)
	if !ok {
		return errs[0]
	}
	p.What = "no leader answered"
	if slices.ContainsFunc(errs, func(err error) bool { return code(err) != "" }) {
		p.What = "no leader can say" // some did answer, and refused
	}
	p.Why = strings.Join(whoIsMissing(missing), "\n      ")
	return p
}

// ending is what is to be said at the end of a command that asked all leaders.
type ending struct {
	differs []string // how leaders disagree that have applied the same, or what does not add up
	missing []absentee
	nothing string // why there is nothing; empty: there is something
	next    string // what to do then
}

// verdict turns it into the command's end: disagreement counts before absence, and
// that before there being nothing, since an absent leader may have something.
func (k *call) verdict(t ending) error {
	t.missing = k.accepted(t.missing)
	switch {
	case len(t.differs) > 0:
		return &cliutil.Problem{What: k.subject() + ": leaders disagree", Why: strings.Join(append(t.differs, whoIsMissing(t.missing)...), "\n      "),
			Next: "kv compare and kv audit say how far apart they are; the admin pages say what a leader has been through", Code: cliutil.Differs}
	case len(t.missing) > 0:
		return &cliutil.Problem{What: k.subject() + ": " + names(t.missing) + " could not be asked", Why: strings.Join(whoIsMissing(t.missing), "\n      "),
			Next: "ask again when all are there; what is printed is what the others said. --missing-ok accepts that, kv admin forget NODE lets nobody wait for a dead leader", Code: cliutil.Unreachable}
	case t.nothing != "":
		return &cliutil.Problem{What: k.subject(), Why: t.nothing, Next: t.next, Code: cliutil.Absent}
	}
	return nil
}

func whoIsMissing(missing []absentee) []string {
	var all []string
	for _, a := range missing {
		all = append(all, a.Text())
	}
	return all
}

func names(missing []absentee) string {
	var all []string
	for _, a := range missing {
		all = append(all, printable(a.Leader))
	}
	return series(all)
}

// shownAll is names, each safe on a terminal.
func shownAll(names []string) []string {
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = printable(n)
	}
	return shown
}

// series is words as in a sentence: n1, n2 and n3.
func series(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// standing is how one leader stands to another by what they have applied.
type standing struct {
	lacks, beyond uint64 // ops that the other has and it lacks, and the reverse
}

func standingOf(a, other logical.Frontier) standing {
	return standing{missed(a, other), missed(other, a)}
}

// missed counts the ops of other that a lacks.
func missed(a, other logical.Frontier) uint64 {
	n := uint64(0)
	for d := range other.All() {
		if at := a.At(d.Origin); d.Seq > at {
			n += uint64(d.Seq - at)
		}
	}
	return n
}

func (s standing) level() bool { return s.lacks == 0 && s.beyond == 0 }

// text says it of the leader called name.
func (s standing) text(name, other string) string {
	name, other = printable(name), printable(other)
	switch {
	case s.level():
		return fmt.Sprintf("%s has applied the same as %s", name, other)
	case s.beyond == 0:
		return fmt.Sprintf("%s is behind: it lacks %s that %s has applied", name, count(int(s.lacks), "op"), other)
	case s.lacks == 0:
		return fmt.Sprintf("%s is ahead: it has applied %s that %s lacks", name, count(int(s.beyond), "op"), other)
	}
	return fmt.Sprintf("%s lacks %s that %s has applied, and has %d that %s lacks", name, count(int(s.lacks), "op"), other, s.beyond, other)
}

// foremost is the place of the leader that has applied most; of equals the first.
func foremost(said []answered) int {
	best, most := 0, uint64(0)
	for i, s := range said {
		if n := missed(logical.Frontier{}, s.applied); i == 0 || n > most {
			best, most = i, n
		}
	}
	return best
}

// askAll is gather for one command.
func (k *call) askAll(words ...string) ([]answered, []absentee, error) {
	return gather(k, k.ask(words...), func(a answered) string { return a.name })
}

// plain is a text of several lines, each safe on a terminal.
func (p *printer) plain(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = p.show(lines[i])
	}
	return strings.Join(lines, "\n")
}
