package world

import (
	"kvd/resolve"
	"kvd/storage/losses"
)

// Node is what a running leader holds after a run, for comparing the servers'
// own account with the oracle's.
type Node struct {
	Name     string
	Frontier string // rendered
	Digest   uint64 // of all objects: equal states have equal digests
	Losses   []resolve.Loss
	Ledger   losses.Stats // what became of all it ever inserted
	Unsound  error        // why rows, index and counts of the ledger do not agree; nil: they do
	Objects  int
	Metadata int64 // bytes stored beyond keys and values
}

// Nodes inspects every leader that runs, in the script's order.
func (w *World) Nodes() ([]Node, error) {
	var nodes []Node
	for _, n := range w.names {
		if w.leaders[n].pump == nil {
			continue
		}
		node, err := w.leaders[n].inspect()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

func (l *leader) inspect() (Node, error) {
	n := Node{Name: l.name, Frontier: l.pump.State().Frontier.String()}
	var err error
	if n.Digest, err = l.store.Digest(); err != nil {
		return n, err
	}
	if n.Objects, n.Metadata, err = l.store.MetadataBytes(); err != nil {
		return n, err
	}
	if n.Ledger, err = l.store.LedgerStats(); err != nil {
		return n, err
	}
	n.Unsound = l.store.CheckLedger()
	err = l.store.Losses(func(loss resolve.Loss) bool {
		n.Losses = append(n.Losses, loss)
		return true
	})
	return n, err
}

// Values is what every running leader shows of every key: several texts are
// siblings, none is absent.
func (w *World) Values() map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for _, n := range w.names {
		l := w.leaders[n]
		if l.pump == nil {
			continue
		}
		out[n] = map[string][]string{}
		r := l.pump.Reader()
		for _, key := range w.Keys() {
			got := w.cfg.Policy.Panel(key).Read(r.Object(key), r)
			out[n][key] = append([]string{}, texts(got.Values)...)
		}
	}
	return out
}
