package logical

// Lamport is a counter that rises along every causal path (Lamport 1978): an
// operation's stamp is above those of all operations its leader had heard of.
// The converse does not hold: a greater stamp need not have seen the smaller.
type Lamport uint64

// Next is the stamp of an operation accepted now.
func (l Lamport) Next() Lamport { return l + 1 }

// Merge is the counter after hearing of stamp m.
func (l Lamport) Merge(m Lamport) Lamport { return max(l, m) }
