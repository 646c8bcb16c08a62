package answers

import (
	"context"
	"fmt"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
	"kvd/resolve"
)

// Bounds of what one reply lists.
const (
	defaultHistory, maxHistory = 20, 1000
	defaultLosses, maxLosses   = 100, 10_000
	defaultLog, maxLog         = 1000, 10_000
)

// tellHistory is KVD.HISTORY. With HEAD the writes are a field of a map that says whose they
// are and where history begins; without, they are all there is.
func (an *Answers) tellHistory(_ context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options.Read(args[2:], options.Option{Name: "COUNT", Values: 1}, options.Option{Name: "HEAD"})
	if err != nil {
		return err
	}
	count, err := o.Count("COUNT", defaultHistory, maxHistory)
	if err != nil {
		return err
	}
	removed := an.removed()
	ops, err := ledger.History(an.cfg.Store, string(args[1]), count)
	if err != nil {
		return err
	}
	if o.Has("HEAD") {
		w.Map(3)
		fields.Text(w, "leader", an.cfg.Name)
		fields.Number(w, "removed", int64(removed.Beyond(logical.Frontier{})))
		w.Text("writes")
	}
	w.Array(len(ops))
	for _, op := range ops {
		full, err := an.withValue(op)
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
	fields.Text(w, "dot", op.Dot.String())
	fields.Text(w, "kind", op.Kind.String())
	w.Text("value")
	if op.Kind == resolve.Delete || op.Kind == resolve.Touch {
		w.Null()
	} else {
		w.Bulk(op.Value)
	}
	fields.Number(w, "delta", op.Delta.Clamp())
	fields.Number(w, "wall", int64(op.Wall.Midpoint()))
	fields.Number(w, "error", int64(op.Wall.HalfWidth()))
	fields.Text(w, "hlc", fmt.Sprintf("%d.%d", op.HLC.Wall, op.HLC.Count))
	fields.Number(w, "lamport", int64(op.Lamport))
	fields.List(w, "parents", op.Parents, func(d logical.Dot) { w.Text(d.String()) })
	client := "" // the retry identity of the op's author; empty: none was given
	if op.HasRequest() {
		client = fmt.Sprintf("%016x/%d", op.Client, op.Request)
	}
	fields.Text(w, "client", client)
	fields.Number(w, "expires", int64(op.Expires))
	var ended int64
	if op.IsExpiry() {
		ended = int64(op.Expired.At)
	}
	fields.Number(w, "ended", ended)
}

// withValue is the op that [ledger.History] gave the beginning of, with all of its value. Whoever
// tells a long past holds one value at a time.
func (an *Answers) withValue(op *resolve.Op) (*resolve.Op, error) {
	if len(op.Value) < ledger.HistoryBytes {
		return op, nil
	}
	full, found, err := an.cfg.Store.Op(op.Dot)
	if err == nil && !found {
		err = fmt.Errorf("op %s left the log meanwhile; ask again", op.Dot)
	}
	return full, err
}
