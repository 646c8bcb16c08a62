package node

import (
	"strconv"

	"kvd/logical"
	"kvd/replica/ledger"
	"kvd/replica/resp"
	"kvd/resolve"
)

// text writes a field of a map.
func text(w *resp.Writer, name, value string) {
	w.Text(name)
	w.Text(value)
}

func number(w *resp.Writer, name string, n int64) {
	w.Text(name)
	w.Int(n)
}

// flag writes 1 or 0: RESP2 has nothing else for yes and no.
func flag(w *resp.Writer, name string, on bool) {
	n := int64(0)
	if on {
		n = 1
	}
	number(w, name, n)
}

func textOrNull(w *resp.Writer, name, value string) {
	if w.Text(name); value == "" {
		w.Null()
	} else {
		w.Text(value)
	}
}

func dotOrNull(w *resp.Writer, name string, d logical.Dot) {
	if d.IsZero() {
		textOrNull(w, name, "")
		return
	}
	text(w, name, d.String())
}

// valueOrNull writes as much of the value as is told; null: it is a deletion, or
// nothing is left of it.
func valueOrNull(w *resp.Writer, was *ledger.Write) {
	if w.Text("value"); was.Kind == 0 || was.Kind == resolve.Delete {
		w.Null()
	} else {
		w.Bulk(was.Value)
	}
}

func list[T any](w *resp.Writer, name string, all []T, one func(T)) {
	w.Text(name)
	w.Array(len(all))
	for _, x := range all {
		one(x)
	}
}

// clientName is the client as REQUEST named it; empty: it did not.
func clientName(client uint64) string {
	if client == 0 {
		return ""
	}
	return strconv.FormatUint(client, 10)
}
