package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"kvd/logical"
	"kvd/replica/host"
	"kvd/replica/stable"
	"kvd/resolve"
	"kvd/resolve/rejoin"
	"kvd/storage"
	"kvd/storage/codec"
)

// stored is the object as it is stored; nil: it holds nothing, or nothing but deletions.
// Leaders drop those at different moments (package stability), so they are not compared.
func stored(o *resolve.Object) []byte {
	if len(o.Versions) == 0 && !o.Duplicates || stable.OnlyDeletions(o) {
		return nil
	}
	return codec.AppendObjectAs(nil, "", o)
}

// proposal is what a key should hold, and what it held when that was worked out.
type proposal struct {
	key  string
	was  []byte
	want *resolve.Object
}

// judge looks at rows that differ, and mends what is wrong here.
func (r *run) judge(ctx context.Context, t *table, rows []row) error {
	var wrong []proposal
	err := r.cfg.Loop.Snapshot(func(snap *storage.Snapshot, _ logical.Frontier) error {
		for i := range rows {
			p, err := r.weigh(snap, t, &rows[i])
			if err != nil {
				return err
			}
			if p != nil {
				wrong = append(wrong, *p)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	waits := make([]func() error, len(wrong))
	for i := range wrong {
		waits[i] = r.mend(ctx, &wrong[i])
	}
	for _, wait := range waits { // they share batches
		err = errors.Join(err, wait())
	}
	return err
}

// weigh is what is to be put in place of what is held here; nil: nothing is.
func (r *run) weigh(snap *storage.Snapshot, t *table, row *row) (*proposal, error) {
	mine, err := snap.Object(row.key)
	if err != nil {
		return nil, err
	}
	was := stored(mine)
	if row.explained || !t.holds(row.key, was) {
		r.explain()
		return nil, nil
	}
	if row.large {
		r.found(row.key, Undecided, "what the other leader holds is too large to be sent whole")
		return nil, nil
	}
	theirs, err := row.decodeObject()
	if err != nil {
		return nil, err
	}
	ops, err := row.decodeOps()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(was, stored(theirs)) { // written in two ways
		r.explain()
		return nil, nil
	}
	var failed error
	log := func(d logical.Dot) (*resolve.Op, bool) {
		op, known, err := snap.Op(d)
		if err != nil {
			failed = err
		}
		if !known {
			op, known = ops[d]
		}
		return op, known
	}
	want, err := rejoin.Join(r.cfg.Policy().Panel(row.key), mine, theirs, log)
	switch {
	case failed != nil:
		return nil, failed
	case err != nil:
		r.found(row.key, Undecided, err.Error())
	case bytes.Equal(stored(want), was):
		r.found(row.key, Theirs, difference(theirs, want))
	case r.Dry:
		r.found(row.key, Wrong, difference(mine, want))
	default:
		return &proposal{row.key, was, want}, nil
	}
	return nil, nil
}

// difference says what of a key is wrong.
func difference(held, want *resolve.Object) string {
	var missing, extra, other int
	for i := range want.Versions {
		if at, ok := held.Find(want.Versions[i].Dot); !ok {
			missing++
		} else if !bytes.Equal(alone(&held.Versions[at]), alone(&want.Versions[i])) {
			other++
		}
	}
	for i := range held.Versions {
		if _, ok := want.Find(held.Versions[i].Dot); !ok {
			extra++
		}
	}
	return fmt.Sprintf("of %d versions it should hold it lacks %d and holds %d otherwise, and %d that were superseded", len(want.Versions), missing, other, extra)
}

func alone(v *resolve.Version) []byte {
	return codec.AppendObjectAs(nil, "", &resolve.Object{Versions: []resolve.Version{*v}})
}

// mend hands the loop what a key should hold; whoever calls what it returns waits until it
// does. What has changed meanwhile is left alone.
func (r *run) mend(ctx context.Context, p *proposal) (wait func() error) {
	changed, done := make(chan struct{}), make(chan struct{})
	detail := ""
	r.cfg.Loop.Mend(&host.Mend{Object: p.want, Fits: func(present *resolve.Object) bool {
		now := stored(present)
		ok := bytes.Equal(now, p.was) || bytes.Equal(now, stored(p.want))
		if ok {
			detail = difference(present, p.want)
		}
		if !ok {
			close(changed)
		}
		return ok
	}, Done: func() { close(done) }})
	return func() error {
		select {
		case <-changed:
			r.explain()
		case <-done:
			r.found(p.key, Mended, detail)
		case <-r.ctx.Done():
			return host.ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
}

func (r *run) explain() {
	r.report.Explained++
	r.stats.explained.Add(1)
}

// maxTold is how many findings of a round are told in the log.
const maxTold = 16

// found counts and tells of a finding.
func (r *run) found(key string, o Outcome, detail string) {
	r.report.Found[o]++
	r.stats.count(o)
	if len(r.report.Findings) < r.Findings {
		r.report.Findings = append(r.report.Findings, Finding{key, o, detail})
	}
	total := uint64(0)
	for _, n := range r.report.Found {
		total += n
	}
	if total > maxTold {
		return
	}
	log, next := r.cfg.Logger.Error, ""
	if r.agreeing.Load() && o != Undecided {
		r.cfg.Logger.Info("a key is joined with what another leader holds of it", "leader", r.cfg.Name, "with", string(r.report.Peer), "key", fmt.Sprintf("%.64q", key), "outcome", string(o), "detail", detail)
		return
	}
	switch o {
	case Mended:
		next = "nothing; look for what else is wrong with the disk or memory of this machine if it comes again"
	case Wrong:
		next = "kv repair without --dry-run mends it"
	case Theirs:
		log, next = r.cfg.Logger.Warn, "the other leader mends itself in its own round"
	case Undecided:
		next = "write the key again, or delete it"
	}
	log("a key is not what its ops fold into", "leader", r.cfg.Name, "compared-with", string(r.report.Peer), "key", fmt.Sprintf("%.64q", key), "outcome", string(o), "detail", detail, "next", next)
}
