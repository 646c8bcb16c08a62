package admin

import (
	"cmp"
	"fmt"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func quorumSpec() invoke.Spec {
	return invoke.Spec{Name: "quorum", Usage: "print, or say, which leaders decide about locks", Args: "[set|anew NODE...]", Least: 0, Most: -1, Do: invoke.At(quorum),
		About: "Locks (KVD.LOCK) are held by one client of the whole cluster, which leaders that write alone\n" +
			"cannot decide: a majority of the voters does. A cluster has none until somebody names them;\n" +
			"three or five are best. Every leader must be there the first time, so that two halves\n" +
			"of a cut never make two quorums: forget those that are gone for ever before.\n" +
			"set again changes the voters, one at a time, and needs a majority of the old ones. So does\n" +
			"a voter that lost its data, or came back from a backup: it does not vote until it is named\n" +
			"again. anew makes another quorum where the majority is lost for ever; whoever held\n" +
			"a lock does not any more, and no token of before counts.",
	}
}

func quorum(k *invoke.Call, l *client.Leader) error {
	words := []string{"KVD.QUORUM"}
	if k.NArg() > 0 {
		what := k.Args().First()
		if what != "set" && what != "anew" || k.NArg() == 1 {
			return cliutil.Usage("kv admin quorum takes set or anew, and the names of the voters", "read: "+strings.Join(k.Args().Slice(), " "), "kv admin quorum set n1 n2 n3")
		}
		words = append(words, strings.ToUpper(what))
		words = append(words, k.Args().Tail()...)
	}
	r, err := l.Do(k.Ctx(), words...)
	if err != nil {
		return err
	}
	var voters []string
	for _, v := range r.Field("voters").Items {
		voters = append(voters, v.Text)
	}
	names, leads := strings.Join(voters, " "), r.Field("leads").Text
	text := "no quorum: kv admin quorum set NODE... names its voters"
	if len(voters) > 0 {
		text = fmt.Sprintf("%s decide about locks; %s leads as far as %s knows", show.Printable(names), cmp.Or(show.Printable(leads), "nobody"), l.Name)
	}
	return k.Out.Put(show.Facts(text, names, show.WordFact("leader", l.Name), show.WordFact("voters", names), show.WordFact("leads", leads),
		show.NumberFact("epoch", r.Field("epoch").Int), show.NumberFact("locks", r.Field("locks").Int)))
}
