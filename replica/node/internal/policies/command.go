package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kvd/replica/acl"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/resolve/rules"
)

// Run is KVD.POLICYSET.
func (s *Service) Run(ctx context.Context, args [][]byte, w *resp.Writer) error {
	if len(args) == 1 {
		s.tell(w)
		return nil
	}
	if !acl.Of(ctx).May(acl.Admin) {
		return resp.Refuse("NOPERM", "only an administrator changes the policy")
	}
	o, err := s.order(args[1:])
	if err != nil {
		return err
	}
	out, err := s.Change(ctx, o)
	if refused, ok := errors.AsType[*Refused](err); ok {
		return resp.Refuse(refused.Code, "%v", refused)
	}
	if err != nil {
		return err
	}
	w.Map(7)
	fields.Text(w, "leader", s.cfg.Leader)
	fields.Text(w, "applied", s.cfg.Loop.Frontier().String())
	fields.Number(w, "number", int64(out.Version.Number))
	fields.Text(w, "policy", o.To.String())
	fields.Flag(w, "changed", out.Changed)
	fields.List(w, "adopted", out.Adopted, w.Text)
	fields.List(w, "away", out.Away, w.Text)
	if out.Changed {
		go s.cfg.Again()
	}
	return nil
}

// order reads what is to become of the policy. What is wrong with it is found before anybody is
// asked.
func (s *Service) order(args [][]byte) (o Order, err error) {
	given, err := options.Read(args, options.Option{Name: "SET", Values: 2, Many: true}, options.Option{Name: "UNSET", Values: 1, Many: true},
		options.Option{Name: "DEFAULT", Values: 1}, options.Option{Name: "WITHOUT", Values: 1, Many: true}, options.Option{Name: "DRYRUN"})
	if err != nil {
		return o, err
	}
	o = Order{To: s.cfg.Policy, Without: given["WITHOUT"], Dry: given.Has("DRYRUN")}
	o.To.Rules = slices.Clone(o.To.Rules) // to validate a policy sorts them
	if !given.Has("SET") && !given.Has("UNSET") && !given.Has("DEFAULT") {
		return o, errors.New("nothing is to be changed; give SET prefix rule, UNSET prefix, or DEFAULT resolver")
	}
	for _, prefix := range given["UNSET"] {
		had := false
		if o.To, had = rules.Unset(o.To, prefix); !had {
			return o, fmt.Errorf("no rule is for the prefix %.64q; KVD.POLICY tells all", prefix)
		}
	}
	seen := map[string]bool{}
	for i := 0; i < len(given["SET"]); i += 2 {
		prefix := given["SET"][i]
		r, err := rules.Rule(prefix, given["SET"][i+1])
		if err != nil {
			return o, err
		}
		if seen[prefix] {
			return o, fmt.Errorf("the prefix %.64q is given twice", prefix)
		}
		seen[prefix], o.To = true, rules.Set(o.To, r)
	}
	if given.Has("DEFAULT") {
		if o.To.Default, err = resolve.ParseID(given.One("DEFAULT")); err != nil {
			return o, err
		}
	}
	return o, o.To.Validate()
}

// tell says which policy this leader serves under.
func (s *Service) tell(w *resp.Writer) {
	v := s.cfg.Version
	w.Map(7)
	fields.Text(w, "leader", s.cfg.Leader)
	fields.Number(w, "number", int64(v.Number))
	fields.Text(w, "policy", s.cfg.Policy.String())
	fields.List(w, "shadows", s.cfg.Policy.Shadows.Names(), w.Text)
	fields.TextOrNull(w, "by", v.By)
	at := ""
	if v.Number > 0 {
		at = v.At.Format("2006-01-02T15:04:05Z07:00")
	}
	fields.TextOrNull(w, "at", at)
	fields.TextOrNull(w, "behind", s.Behind())
}
