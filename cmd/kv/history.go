package main

import (
	"strconv"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func keyHistory(k *call, l *client.Leader) error {
	words := []string{"KVD.HISTORY", k.Args().First()}
	if n := k.Int("count"); n > 0 {
		words = append(words, "COUNT", strconv.Itoa(n))
	}
	r, err := l.Do(k.Ctx(), words...)
	if client.Unknown(err) {
		return &cliutil.Problem{What: k.Subject() + " at " + l.String(), Why: "this server has no KVD.HISTORY: it keeps the writes and does not show them",
			Next: "kv siblings KEY shows what is there now"}
	}
	if err != nil {
		return err
	}
	if err := putList(k, r.Items, show.Op); err != nil || len(r.Items) > 0 {
		return err
	}
	return k.Absent("no write of the key is kept, at " + l.String())
}
