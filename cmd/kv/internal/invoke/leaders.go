package invoke

import (
	"errors"
	"fmt"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/contexts"
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

// seed is the leader to ask about others.
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
