package repair

import (
	"context"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
)

// What one answer covers, so that a client hears how far it is and can stop.
const (
	askedRanges   = 2
	askedFindings = 100
)

// Tell is KVD.REPAIR PEER [PREFIX p] [AFTER key] [DRYRUN]: this leader compares some ranges
// with the other, and answers after which key to go on.
func (s *Service) Tell(ctx context.Context, args [][]byte, w *resp.Writer) error {
	if !acl.Of(ctx).Everywhere() {
		return resp.Refuse("NOPERM", "whole ranges of keys are compared, and this user may not read every key")
	}
	if string(args[1]) == s.cfg.Name {
		return resp.Refuse("ITSELF", "%s does not compare with itself; name another leader", s.cfg.Name)
	}
	o, err := options.Read(args[2:], options.Option{Name: "PREFIX", Values: 1}, options.Option{Name: "AFTER", Values: 1}, options.Option{Name: "DRYRUN"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	r, err := s.Round(ctx, replica.Leader(args[1]), Options{Prefix: o.One("PREFIX"), After: o.One("AFTER"), Dry: o.Has("DRYRUN"), Ranges: askedRanges, Findings: askedFindings})
	if err != nil {
		return resp.Refuse("NOTCOMPARED", "%s: %s; nothing that was not compared is changed", s.cfg.Name, err.Error())
	}
	w.Map(12)
	fields.Text(w, "leader", s.cfg.Name)
	fields.Text(w, "peer", string(r.Peer))
	for _, n := range []struct {
		name string
		n    uint64
	}{
		{"keys", r.Keys}, {"differences", r.Differences}, {"bytes", r.SymbolBytes}, {"explained", r.Explained},
		{string(Mended), r.Found[Mended]}, {string(Wrong), r.Found[Wrong]}, {string(Theirs), r.Found[Theirs]}, {string(Undecided), r.Found[Undecided]},
	} {
		fields.Number(w, n.name, int64(n.n))
	}
	fields.List(w, "findings", r.Findings, func(f Finding) {
		w.Map(3)
		fields.Text(w, "key", f.Key)
		fields.Text(w, "outcome", string(f.Outcome))
		fields.Text(w, "detail", f.Detail)
	})
	w.Text("next")
	if r.Done {
		w.Null()
	} else {
		w.Text(r.Next)
	}
	return nil
}
