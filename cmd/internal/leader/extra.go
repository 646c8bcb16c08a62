package leader

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"kvd/logical"
	"kvd/replica/resp"
	"kvd/resolve"
)

// Bounds of what one reply lists.
const (
	defaultHistory, maxHistory = 20, 1000
	defaultLosses, maxLosses   = 100, 10_000
)

// extra is the commands that need more than one part of the leader.
func (l *Leader) extra() map[string]resp.Extra {
	all := map[string]resp.Extra{
		"kvd.members": {Arity: 1, Run: l.tellMembers, Summary: "Answers the leaders there are, as gossip describes them."},
		"kvd.history": {Arity: -2, Key: 1, Run: l.tellHistory, Summary: "Answers the writes that led to what a key holds, newest first."},
		"kvd.losses":  {Arity: -1, Run: l.tellLosses, Summary: "Answers the acknowledged writes that a resolver threw away unseen, by resolver, key and dot."},
	}
	if l.cfg.UnsafeFaults {
		all["kvd.fault"] = resp.Extra{Arity: -2, Run: l.plantFault, Summary: "Plants faults in this leader's clock and links, for experiments."}
	}
	return all
}

// text writes a field of a map.
func text(w *resp.Writer, name, value string) {
	w.Text(name)
	w.Text(value)
}

func number(w *resp.Writer, name string, n int64) {
	w.Text(name)
	w.Int(n)
}

func (l *Leader) tellMembers(_ [][]byte, w *resp.Writer) error {
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

func (l *Leader) tellHistory(args [][]byte, w *resp.Writer) error {
	o, err := options(args[2:], "COUNT")
	if err != nil {
		return err
	}
	count, err := o.count(defaultHistory, maxHistory)
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

func (l *Leader) tellLosses(args [][]byte, w *resp.Writer) error {
	o, err := options(args[1:], "PREFIX", "COUNT")
	if err != nil {
		return err
	}
	count, err := o.count(defaultLosses, maxLosses)
	if err != nil {
		return err
	}
	var rows []resolve.Loss
	err = l.store.Losses(func(loss resolve.Loss) bool {
		if strings.HasPrefix(loss.Key, o["PREFIX"]) {
			rows = append(rows, loss)
		}
		return len(rows) < count
	})
	if err != nil {
		return err
	}
	ops, err := l.losers(rows)
	if err != nil {
		return err
	}
	w.Array(len(rows))
	for i := range rows {
		writeLoss(w, &rows[i], ops[i])
	}
	return nil
}

// losers is the ops that were lost, nil where the log no longer has one.
func (l *Leader) losers(rows []resolve.Loss) ([]*resolve.Op, error) {
	ops := make([]*resolve.Op, len(rows))
	for i := range rows {
		op, _, err := l.store.Op(rows[i].Loser)
		if err != nil {
			return nil, err
		}
		ops[i] = op
	}
	return ops, nil
}

func writeLoss(w *resp.Writer, loss *resolve.Loss, op *resolve.Op) {
	w.Map(7)
	text(w, "resolver", loss.Resolver.String())
	text(w, "relation", loss.Relation.String())
	text(w, "key", loss.Key)
	text(w, "loser", loss.Loser.String())
	if w.Text("winner"); loss.Winner.IsZero() {
		w.Null()
	} else {
		w.Text(loss.Winner.String())
	}
	number(w, "at", int64(loss.At.Midpoint()))
	w.Text("value")
	if op == nil || op.Kind == resolve.Delete {
		w.Null()
	} else {
		w.Bulk(op.Value)
	}
}

// given is the options of a command, by name in upper case.
type given map[string]string

// options reads pairs of a name and a value.
func options(args [][]byte, names ...string) (given, error) {
	g := given{}
	for ; len(args) > 0; args = args[2:] {
		name := strings.ToUpper(string(args[0]))
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known || len(args) < 2 {
			return nil, fmt.Errorf("syntax error: the options are %s, each with a value", strings.Join(names, ", "))
		}
		g[name] = string(args[1])
	}
	return g, nil
}

// count is the option COUNT.
func (g given) count(otherwise, most int) (int, error) {
	s, ok := g["COUNT"]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, errors.New("COUNT is no number above zero")
	}
	return min(n, most), nil
}
