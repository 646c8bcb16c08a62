package storage

import "kvd/storage/internal/rows"

// State is what a leader must remember beside log and objects; every batch may carry one.
// Its fields are those of the core's state, so that one converts to the other.
type State = rows.State

// Judged is who judged the objects and the ledger of a store.
type Judged = rows.Judged

// FoldingStep is how far folding again has come.
type FoldingStep = rows.FoldingStep

// PutJudged replaces who judged the objects.
func (b *Batch) PutJudged(j Judged) {
	if b.refuse(rows.CheckJudged(&j)) {
		return
	}
	b.key = append(b.key[:0], rows.JudgedKey()...)
	b.value = rows.AppendJudged(b.value[:0], j)
	b.set()
}

// Judged is who judged the objects. A store that holds none, or is from before the
// policy was kept, says that it is unknown.
func (s reads) Judged() (Judged, error) {
	j := Judged{Unknown: true}
	_, err := s.get(rows.JudgedKey(), func(b []byte) (err error) {
		j, err = rows.DecodeJudged(b)
		return err
	})
	return j, wrap(err, "read the policy that objects are folded under")
}
