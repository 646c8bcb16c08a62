package node

import (
	"context"
	"fmt"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// Bounds of what one reply lists.
const (
	defaultHistory, maxHistory = 20, 1000
	defaultLosses, maxLosses   = 100, 10_000
	defaultLog, maxLog         = 1000, 10_000
)

// extra is the commands that need more than one part of the leader.
func (l *Leader) extra() map[string]server.Extra {
	all := map[string]server.Extra{
		"kvd.members": {Arity: 1, Needs: acl.Anyone, Loading: true, Run: l.tellMembers, Summary: "Answers the leaders there are, as gossip describes them."},
		"kvd.history": {Arity: -2, Needs: acl.Read, Key: 1, Holds: limits.Value, Run: l.tellHistory, Summary: "Answers the writes that led to what a key holds, newest first."},
		"kvd.losses":  {Arity: -1, Needs: acl.Read, Run: l.tellLosses, Summary: "Answers the acknowledged writes that a resolver threw away unseen, by key, dot and resolver, in pages."},
		"kvd.why":     {Arity: 2, Needs: acl.Read, Key: 1, Run: l.tellWhy, Summary: "Answers why a key holds what it holds, what was written over, and what was lost to what."},
		"kvd.fate":    {Arity: 2, Needs: acl.Read, Run: l.tellFate, Summary: "Answers what became of one acknowledged write, under every resolver that judged it."},
		"kvd.restore": {Arity: -2, Needs: acl.Read | acl.Write, Write: l.restore, Summary: "Writes a lost value again, over exactly what its key shows."},
		"kvd.audit":   {Arity: -1, Needs: acl.Read | acl.Admin, Run: l.tellAudit, Summary: "Counts whether every accepted write is live, superseded or lost, and never two of these."},
		"kvd.advise":  {Arity: -1, Needs: acl.Read | acl.Admin, Run: l.tellAdvice, Summary: "Answers which resolver would have lost less, by what was measured here."},
		"kvd.log":     {Arity: -3, Needs: acl.Read | acl.Admin, Loading: true, Run: l.tellLog, Summary: "Answers what an origin accepted, from one place on, as it is stored."},

		"kvd.forget":    {Arity: -2, Needs: acl.Admin, Loading: true, Run: l.forget, Summary: "Lets all leaders wait for a dead one no more, and list it no more, until it returns; LIFT takes that back."},
		"kvd.forgotten": {Arity: 1, Needs: acl.Anyone, Loading: true, Run: l.tellForgotten, Summary: "Answers which leaders are forgotten."},
		"kvd.neworigin": {Arity: 1, Needs: acl.Admin, Run: l.renew, Summary: "Ends this leader and starts it again under a new origin."},
		"kvd.accept":    {Arity: -3, Needs: acl.All, Write: l.accept, Summary: "Settles a dot that has two contents: what shall stand is written again, alike at all leaders."},
		"kvd.conflicts": {Arity: -1, Needs: acl.Read, Run: l.tellConflicts, Summary: "Answers which writes have one content here and another at a leader that was met, under one dot."},
	}
	if l.cfg.Storage.NoLedger {
		l.withoutLedger(all)
	}
	if l.cfg.UnsafeFaults {
		all["kvd.fault"] = server.Extra{Arity: -2, Needs: acl.Admin, Loading: true, Run: l.plantFault, Summary: "Plants faults in this leader's clock and links, for experiments."}
	}
	return all
}

func (l *Leader) tellMembers(_ context.Context, _ [][]byte, w *resp.Writer) error {
	v := l.others(l.members.View())
	w.Array(len(v.Members))
	for _, m := range v.Members {
		w.Map(6)
		text(w, "name", m.Name)
		text(w, "status", m.Status.String())
		text(w, "resp", m.RespAddr)
		text(w, "http", m.HTTPAddr)
		text(w, "peer", m.PeerAddr)
		text(w, "origin", logical.Origin(m.Origin).String())
	}
	return nil
}

func (l *Leader) tellHistory(_ context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options(args[2:], option{name: "COUNT", values: 1})
	if err != nil {
		return err
	}
	count, err := o.count("COUNT", defaultHistory, maxHistory)
	if err != nil {
		return err
	}
	ops, err := l.past(string(args[1]), count)
	if err != nil {
		return err
	}
	w.Array(len(ops))
	for _, op := range ops {
		full, err := l.withValue(op)
		if err != nil {
			w.Error("ERR " + err.Error())
			continue
		}
		writeOp(w, full)
	}
	return nil
}

func writeOp(w *resp.Writer, op *resolve.Op) {
	w.Map(12)
	text(w, "dot", op.Dot.String())
	text(w, "kind", op.Kind.String())
	w.Text("value")
	if op.Kind == resolve.Delete || op.Kind == resolve.Touch {
		w.Null()
	} else {
		w.Bulk(op.Value)
	}
	number(w, "delta", op.Delta.Clamp())
	number(w, "wall", int64(op.Wall.Midpoint()))
	number(w, "error", int64(op.Wall.HalfWidth()))
	text(w, "hlc", fmt.Sprintf("%d.%d", op.HLC.Wall, op.HLC.Count))
	number(w, "lamport", int64(op.Lamport))
	w.Text("parents")
	w.Array(len(op.Parents))
	for _, d := range op.Parents {
		w.Text(d.String())
	}
	text(w, "client", clientOf(op))
	number(w, "expires", int64(op.Expires))
	var ended int64
	if op.Expired != nil {
		ended = int64(op.Expired.At)
	}
	number(w, "ended", ended)
}

// clientOf is the retry identity of the op's author; empty: none was given.
func clientOf(op *resolve.Op) string {
	if !op.HasRequest() {
		return ""
	}
	return fmt.Sprintf("%016x/%d", op.Client, op.Request)
}
