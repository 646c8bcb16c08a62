package replica

// Credit says that ops a peer sent have left this leader's hands: they were applied,
// or dropped and will be sent again. What waits at the gate has not. Whoever bounds
// what a peer may send gives it that much back.
type Credit struct {
	Peer  Leader
	Bytes int // as resolve.Op.Footprint counts them
}

// credit notes that bytes of the peer's ops are no longer held for it.
func (t *turn) credit(p Leader, bytes int) {
	if bytes == 0 {
		return
	}
	if last := len(t.out.Credits) - 1; last >= 0 && t.out.Credits[last].Peer == p {
		t.out.Credits[last].Bytes += bytes
		return
	}
	t.out.Credits = append(t.out.Credits, Credit{p, bytes})
}
