package admin

import (
	"fmt"

	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
)

func returnSpec() invoke.Spec {
	return invoke.Spec{Name: "return", Usage: "let a leader that was forgotten begin anew", Args: "NODE", Least: 1, Most: 1, Do: returnNode,
		About: "A leader that comes back after it was forgotten takes no writes and is not let in: the\n" +
			"others may have removed what it never saw. What it alone had acknowledged it writes to a\n" +
			"file in its data directory, a line of JSON each; kv status -n NODE says how many those are\n" +
			"and where. With none it begins anew by itself. With some it waits for this command: it\n" +
			"ends, keeps its former store beside, and joins without data; clients connect again.\n" +
			"kv admin import FILE then writes again what is in the file.\n" +
			"Or kv admin forget NODE --lift, at another leader: it is let in as it is, and all that it\n" +
			"has is merged, with what has been removed elsewhere since, too."}
}

func returnNode(k *invoke.Call) error {
	l, err := reach(k, k.Args().First())
	if err != nil {
		return err
	}
	r, err := l.Do(k.Ctx(), "KVD.RETURN")
	if err != nil {
		return err
	}
	name, file, writes := r.Field("leader").Text, r.Field("file").Text, r.Field("writes").Int
	text := fmt.Sprintf("%s begins anew; %s that nobody else has are in %s, where it runs", show.Printable(name), show.Count(int(writes), "write"), show.Printable(file))
	if writes == 0 {
		text = show.Printable(name) + " begins anew; others have all that it had"
	}
	if !r.Field("again").Truth() {
		k.Say("stop " + show.Printable(name) + " and start it again: nobody else does")
	}
	return k.Out.Put(show.Facts(text, file, show.WordFact("leader", name), show.WordFact("file", file), show.NumberFact("writes", writes)))
}
