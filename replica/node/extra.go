package node

import (
	"context"
	"maps"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/command"
	"kvd/replica/node/internal/fields"
	"kvd/replica/resp"
)

// extra is the commands that need more than one part of the leader.
func (l *Leader) extra() map[string]command.Extra {
	all := l.answers.Commands()
	maps.Copy(all, map[string]command.Extra{
		"kvd.members": {Arity: 1, Needs: acl.Anyone, Loading: true, Run: l.tellMembers, Summary: "Answers the leaders there are, as gossip describes them."},

		"kvd.forget":    {Arity: -2, Needs: acl.Admin, Loading: true, Run: l.forget, Summary: "Lets all leaders wait for a dead one no more, and list it no more, until it returns; LIFT takes that back."},
		"kvd.forgotten": {Arity: 1, Needs: acl.Anyone, Loading: true, Run: l.tellForgotten, Summary: "Answers which leaders are forgotten."},
		"kvd.neworigin": {Arity: 1, Needs: acl.Admin, Run: l.renew, Summary: "Ends this leader and starts it again under a new origin."},
	})
	if l.cfg.UnsafeFaults {
		all["kvd.fault"] = command.Extra{Arity: -2, Needs: acl.Admin, Loading: true, Run: l.plantFault, Summary: "Plants faults in this leader's clock and links, for experiments."}
	}
	return all
}

func (l *Leader) tellMembers(_ context.Context, _ [][]byte, w *resp.Writer) error {
	v := l.withoutForgotten(l.members.View())
	w.Array(len(v.Members))
	for _, m := range v.Members {
		w.Map(6)
		fields.Text(w, "name", m.Name)
		fields.Text(w, "status", m.Status.String())
		fields.Text(w, "resp", m.RespAddr)
		fields.Text(w, "http", m.HTTPAddr)
		fields.Text(w, "peer", m.PeerAddr)
		fields.Text(w, "origin", logical.Origin(m.Origin).String())
	}
	return nil
}
