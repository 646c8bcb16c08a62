package leader

import (
	"context"
	"fmt"

	"kvd/logical"
	"kvd/replica/resp"
	"kvd/resolve"
)

// Bounds of what one reply lists.
const (
	defaultHistory, maxHistory = 20, 1000
	defaultLosses, maxLosses   = 100, 10_000
	defaultLog, maxLog         = 1000, 10_000
)

// extra is the commands that need more than one part of the leader.
func (l *Leader) extra() map[string]resp.Extra {
	all := map[string]resp.Extra{
		"kvd.members": {Arity: 1, Run: l.tellMembers, Summary: "Answers the leaders there are, as gossip describes them."},
		"kvd.history": {Arity: -2, Key: 1, Run: l.tellHistory, Summary: "Answers the writes that led to what a key holds, newest first."},
		"kvd.losses":  {Arity: -1, Run: l.tellLosses, Summary: "Answers the acknowledged writes that a resolver threw away unseen, by key, dot and resolver, in pages."},
		"kvd.why":     {Arity: 2, Key: 1, Run: l.tellWhy, Summary: "Answers why a key holds what it holds, what was written over, and what was lost to what."},
		"kvd.fate":    {Arity: 2, Run: l.tellFate, Summary: "Answers what became of one acknowledged write, under every resolver that judged it."},
		"kvd.restore": {Arity: -2, Write: l.restore, Summary: "Writes a lost value again, over exactly what its key shows."},
		"kvd.audit":   {Arity: -1, Run: l.tellAudit, Summary: "Counts whether every accepted write is live, superseded or lost, and never two of these."},
		"kvd.advise":  {Arity: -1, Run: l.tellAdvice, Summary: "Answers which resolver would have lost less, by what was measured here."},
		"kvd.log":     {Arity: -3, Run: l.tellLog, Summary: "Answers what an origin accepted, from one place on, as it is stored."},
	}
	if l.cfg.Storage.NoLedger {
		l.withoutLedger(all)
	}
	if l.cfg.UnsafeFaults {
		all["kvd.fault"] = resp.Extra{Arity: -2, Run: l.plantFault, Summary: "Plants faults in this leader's clock and links, for experiments."}
	}
	return all
}

func (l *Leader) tellMembers(_ context.Context, _ [][]byte, w *resp.Writer) error {
	v := l.members.View()
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
		writeOp(w, op)
	}
	return nil
}

func writeOp(w *resp.Writer, op *resolve.Op) {
	w.Map(10)
	text(w, "dot", op.Dot.String())
	text(w, "kind", op.Kind.String())
	w.Text("value")
	if op.Kind == resolve.Delete {
		w.Null()
	} else {
		w.Bulk(op.Value)
	}
	number(w, "delta", op.Delta)
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
}

// clientOf is the retry identity of the op's author; empty: none was given.
func clientOf(op *resolve.Op) string {
	if !op.HasRequest() {
		return ""
	}
	return fmt.Sprintf("%016x/%d", op.Client, op.Request)
}
