package invoke

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// Address is a host:port with the host that a bare :port leaves out.
func Address(text string) string {
	if strings.HasPrefix(text, ":") {
		return "127.0.0.1" + text
	}
	return text
}

// Leader is the one that commands for a single leader ask.
func (k *Call) Leader() (*client.Leader, error) {
	given := Address(k.Node)
	switch {
	case strings.Contains(given, ","):
		return nil, cliutil.Usage("kv "+k.Command.Name+" asks one leader", "-n lists several: "+k.Node, "compare and wait take several")
	case given == "":
		return k.Opened.Open(k.seed()), nil
	}
	l, err := k.Find(given)
	if err != nil {
		return nil, err
	}
	return k.Opened.Open(*l), nil
}

// Find turns what -n names into a leader: an address, a name of the context's,
// or one that the cluster knows.
func (k *Call) Find(given string) (*contexts.Leader, error) {
	if k.Chosen != nil {
		if l := among(k.Chosen.Leaders, given); l != nil {
			return l, nil
		}
	}
	if strings.Contains(given, ":") {
		return &contexts.Leader{Name: given, Addr: given}, nil
	}
	known := k.Opened.Open(k.seed()).Nodes(k.Ctx())
	if l := among(known, given); l != nil {
		return l, nil
	}
	return nil, unknownLeader(given, known)
}

func unknownLeader(given string, known []contexts.Leader) error {
	var names []string
	for _, l := range known {
		names = append(names, l.Name)
	}
	return cliutil.Usage(fmt.Sprintf("unknown leader %q", given), "neither the context nor the cluster has one of that name",
		cliutil.DidYouMean(cliutil.Nearest(given, names), "-n takes host:port, or a name; kv members and kv context ls know names"))
}

func (k *Call) seed() contexts.Leader {
	if k.Chosen != nil {
		return k.Chosen.Leaders[0]
	}
	return contexts.Leader{Name: DefaultAddr, Addr: DefaultAddr}
}

// inCluster is the context's leaders, or else whom the seed knows.
func (k *Call) inCluster(seed contexts.Leader) []contexts.Leader {
	if k.Chosen != nil {
		return k.Chosen.Leaders
	}
	return k.Opened.Open(seed).Nodes(k.Ctx())
}

// All is every leader that -n lists, or else every leader of the cluster.
func (k *Call) All() ([]*client.Leader, error) {
	var chosen []contexts.Leader
	switch given := Address(k.Node); {
	case strings.Contains(given, ","):
		for part := range strings.SplitSeq(given, ",") {
			l, err := k.Find(Address(part))
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, *l)
		}
	case strings.Contains(given, ":") && k.Chosen == nil:
		chosen = k.inCluster(contexts.Leader{Name: given, Addr: given})
	default:
		chosen = k.inCluster(k.seed())
	}
	open := make([]*client.Leader, len(chosen))
	for i, l := range chosen {
		open[i] = k.Opened.Open(l)
	}
	return open, nil
}

// Several is all, where one leader would make no sense.
func (k *Call) Several() ([]*client.Leader, error) {
	all, err := k.All()
	if err == nil && len(all) < 2 {
		err = cliutil.Fail("kv "+k.Command.Name+" needs two leaders", errors.New("only "+all[0].String()+" is known, and it names no others"),
			"-n ADDRESS,ADDRESS, or kv context add NAME n1=ADDRESS n2=ADDRESS")
	}
	return all, err
}

// AboutAsking is part of the help of every command that asks all leaders.
const AboutAsking = `
All leaders are asked at once, each for at most --timeout, or one alone with --only.
--missing-ok lets the answers of those that are there be enough.
Exit codes: 0 all answered and agree, 4 they disagree although they have applied the
same, 5 some could not be asked; what the others said is printed all the same.`

// AboutScans is part of the help of commands that let leaders read their logs.
const AboutScans = `Reading a long log takes its time: without --timeout,
a leader is waited for as long as it gets on; on a terminal, or with -v, kv says how far it is.`

// OrNothing adds the exit code of commands that are asked about one thing.
func OrNothing(what string) string { return "\nExit code 3: " + what + "." }

// OnlyFlag is for commands that may ask one leader instead of all.
func OnlyFlag() cli.Flag {
	return &cli.BoolFlag{Name: "only", Usage: "ask the leader of -n and no other"}
}

// MissingFlag is for commands that ask several leaders.
func MissingFlag() cli.Flag {
	return &cli.BoolFlag{Name: "missing-ok", Usage: "do not fail because leaders cannot be asked: say which, and answer for the rest"}
}

// Everyone is all leaders of the cluster, or the one that is to be asked alone.
func (k *Call) Everyone() ([]*client.Leader, error) {
	if !k.Bool("only") {
		return k.All()
	}
	l, err := k.Leader()
	return []*client.Leader{l}, err
}

// Asking asks all leaders at once. Nobody answering is a failure, as is the user's
// interrupt.
func Asking[T any](k *Call, ask func(*client.Leader) (T, error), name func(T) string) ([]T, []client.Absentee, error) {
	leaders, err := k.Everyone()
	if err != nil {
		return nil, nil, err
	}
	said, missing := client.Gather(leaders, ask, name)
	if k.Ctx().Err() != nil {
		return nil, nil, k.Ctx().Err()
	}
	if len(said) == 0 {
		return nil, nil, nobody(missing)
	}
	return said, k.stillMissed(missing, leaders), nil
}

// AskAll is asking for one command.
func (k *Call) AskAll(words ...string) ([]client.Answer, []client.Absentee, error) {
	return Asking(k, func(l *client.Leader) (client.Answer, error) { return l.Ask(k.Ctx(), words...) }, nameOf)
}

// ScanAll is askAll for a command for which leaders read their whole logs.
func (k *Call) ScanAll(words ...string) ([]client.Answer, []client.Absentee, error) {
	q := client.LongAsk{Words: words}
	if k.IsSet("timeout") {
		q.Limit = k.Timeout
	}
	if k.verbose || cliutil.IsTerminal(k.App.ErrWriter) {
		q.Told = k.sayFar
	}
	return Asking(k, func(l *client.Leader) (client.Answer, error) { return q.To(k.Ctx(), l) }, nameOf)
}

func nameOf(a client.Answer) string { return a.Name }

// stillMissed says once if leaders are not missed because they are forgotten: a context
// may still name them.
func (k *Call) stillMissed(missing []client.Absentee, leaders []*client.Leader) []client.Absentee {
	left := client.StillMissed(k.Ctx(), missing, leaders)
	k.SayForgotten(len(missing) - len(left))
	return left
}

// SayForgotten says once that n leaders are not asked because they are forgotten.
func (k *Call) SayForgotten(n int) {
	if n > 0 && !k.saidForgotten {
		k.saidForgotten = true
		k.Say(show.Count(n, "leader") + " of the context " + map[bool]string{true: "is", false: "are"}[n == 1] + " forgotten and not asked; kv context add leaves them out for good")
	}
}

// nobody is the failure when no leader answered: the first one's, and who else
// did not.
func nobody(missing []client.Absentee) error {
	first := missing[0].Err
	if len(missing) == 1 {
		return first
	}
	p, ok := Explain("no leader answered", first).(*cliutil.Problem)
	if !ok {
		return first
	}
	p.What = "no leader answered"
	if slices.ContainsFunc(missing, func(a client.Absentee) bool { return client.Code(a.Err) != "" }) {
		p.What = "no leader can say" // some did answer, and refused
	}
	p.Why = strings.Join(show.WhoIsMissing(missing), "\n      ")
	return p
}

// Ending is what is to be said at the end of a command that asked all leaders.
type Ending struct {
	Differs []string // how leaders disagree that have applied the same, or what does not add up
	Missing []client.Absentee
	Nothing string // why there is nothing; empty: there is something
	Next    string // what to do then
}

// Verdict turns it into the command's end: disagreement counts before absence, and
// that before there being nothing, since an absent leader may have something.
func (k *Call) Verdict(t Ending) error {
	t.Missing = k.Accepted(t.Missing)
	switch {
	case len(t.Differs) > 0:
		return &cliutil.Problem{What: k.Subject() + ": leaders disagree", Why: strings.Join(append(t.Differs, show.WhoIsMissing(t.Missing)...), "\n      "),
			Next: "kv compare and kv audit say how far apart they are; the admin pages say what a leader has been through", Code: cliutil.Differs}
	case len(t.Missing) > 0:
		return &cliutil.Problem{What: k.Subject() + ": " + cliutil.Series(show.MissingNames(t.Missing)) + " could not be asked", Why: strings.Join(show.WhoIsMissing(t.Missing), "\n      "),
			Next: "ask again when all are there; what is printed is what the others said. --missing-ok accepts that, kv admin forget NODE lets nobody wait for a dead leader", Code: cliutil.Unreachable}
	case t.Nothing != "":
		return &cliutil.Problem{What: k.Subject(), Why: t.Nothing, Next: t.Next, Code: cliutil.Absent}
	}
	return nil
}

// Accepted takes away who is missing if the user accepts that, and says so.
func (k *Call) Accepted(missing []client.Absentee) []client.Absentee {
	if len(missing) == 0 || !k.Bool("missing-ok") {
		return missing
	}
	k.Say("left out: " + strings.Join(show.WhoIsMissing(missing), "; "))
	return nil
}

// Present leaves out who cannot be asked, and says so. Fewer than two that are left are a
// failure: one differs from nobody.
func (k *Call) Present(leaders []*client.Leader) ([]*client.Leader, error) {
	there, missing := client.Gather(leaders, func(l *client.Leader) (*client.Leader, error) {
		_, err := l.Do(k.Ctx(), "PING")
		return l, err
	}, func(l *client.Leader) string { return l.Name })
	switch {
	case k.Ctx().Err() != nil:
		return nil, k.Ctx().Err()
	case len(there) == 0:
		return nil, nobody(missing)
	case len(there) == 1:
		return nil, &cliutil.Problem{What: k.Subject() + ": only " + there[0].String() + " is there", Why: strings.Join(show.WhoIsMissing(missing), "\n      "),
			Next: "ask again when another is there", Code: cliutil.Unreachable}
	}
	k.Accepted(k.stillMissed(missing, leaders))
	return there, nil
}
