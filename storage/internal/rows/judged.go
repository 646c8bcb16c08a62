package rows

import (
	"errors"
	"fmt"

	"kvd/resolve"
	"kvd/storage/codec"
)

// Judged is who judged the objects and the ledger of a store.
type Judged struct {
	// Policy is what all of them are folded under, but for what Folding says. Its
	// picks are not kept: they only say what is shown.
	Policy resolve.Policy
	// Unknown says that nobody knows the policy: the store is from before it was
	// kept.
	Unknown bool
	// Folding is the policy for which objects have begun to be folded again, and not
	// ended; nil: none. Keys that it gives to another panel may be in any state up to
	// what Step says. Nothing may be served then.
	Folding *resolve.Policy
	Step    FoldingStep
}

// FoldingStep is how far folding again has come, as of the batch that it was stored with.
type FoldingStep struct {
	After    string // objects are prepared up to this key
	Prepared bool   // all of them are, and rows of the ledger
	Ops      uint64 // ops of the log that were folded since, in the order of package merge
}

// Settled reports whether all objects are under the one policy.
func (j *Judged) Settled() bool { return !j.Unknown && j.Folding == nil }

// judgedFormat is the version of this layout, and foldingFormat that of a store which is
// being folded again:
//
//	format, policy (nil: unknown)
//	format, policy (nil: unknown), policy being folded for, prepared (0, 1), key prepared up to, ops folded
//
// A policy is an array: default, shadows, [prefix, resolver …] by prefix.
// Resolvers are numbers, shadows a set of them.
const (
	judgedFormat  = 1
	foldingFormat = 2
)

// What is kept of policies at most.
const (
	maxRules   = 1 << 16
	maxFolding = 64
)

// AppendJudged needs rules that are sorted by prefix.
func AppendJudged(dst []byte, j Judged) []byte {
	e := codec.Encode(dst)
	if j.Folding == nil {
		e.Array(2).Uint(judgedFormat)
	} else {
		e.Array(6).Uint(foldingFormat)
	}
	if j.Unknown {
		e.Nil()
	} else {
		encodePolicy(e, &j.Policy)
	}
	if j.Folding != nil {
		encodePolicy(e, j.Folding)
		e.Uint(codec.Flag(j.Step.Prepared, 1)).Bytes(j.Step.After).Uint(j.Step.Ops)
	}
	return e.Done()
}

func encodePolicy(e *codec.Encoder, p *resolve.Policy) {
	e.Array(3).Uint(uint64(p.Default)).Uint(uint64(p.Shadows))
	e.Array(2 * len(p.Rules))
	for _, r := range p.Rules {
		e.Key(r.Prefix).Uint(uint64(r.Resolver))
	}
}

// DecodeJudged reads what AppendJudged wrote and nothing else.
func DecodeJudged(b []byte) (Judged, error) {
	d := codec.NewDecoder("policy", b)
	n := d.ArrayBehind(2, maxFolding)
	format := d.Uint()
	d.Require(format == judgedFormat || format == foldingFormat && n == 4, "the format is not known to this version of the program")
	var j Judged
	if j.Unknown = d.Nil(); !j.Unknown {
		j.Policy = decodePolicy(d)
	}
	switch {
	case d.Failed():
	case format == foldingFormat:
		to := decodePolicy(d)
		prepared := d.Uint()
		d.Require(prepared <= 1, "a flag is neither 0 nor 1")
		j.Folding, j.Step = &to, FoldingStep{Prepared: prepared == 1, After: d.Bytes(codec.MaxKey), Ops: d.Uint()}
	default:
		d.Require(n == 0, "an older version of the program was folding the objects again; start that once more, and let it end this")
	}
	if err := d.End(); err != nil {
		return Judged{}, err
	}
	return j, CheckJudged(&j)
}

func decodePolicy(d *codec.Decoder) (p resolve.Policy) {
	d.Tuple(3)
	p.Default, p.Shadows = resolve.ID(d.Uint()), resolve.Mask(d.Uint16())
	rules := d.Array(2 * maxRules)
	d.Require(rules%2 == 0, "rules come in pairs")
	for i := 0; i < rules/2 && !d.Failed(); i++ {
		p.Rules = append(p.Rules, resolve.Rule{Prefix: d.Key(codec.MaxKey), Resolver: resolve.ID(d.Uint())})
	}
	return p
}

// CheckJudged says why j cannot be encoded.
func CheckJudged(j *Judged) error {
	policies := []*resolve.Policy{&j.Policy}
	if j.Folding != nil {
		policies = append(policies, j.Folding)
	}
	for _, p := range policies {
		if int(p.Default) >= len(resolve.IDs()) || p.Shadows&^resolve.All != 0 || len(p.Rules) > maxRules {
			return errors.New("a policy names a resolver that is not known to this version of the program, or has too many rules")
		}
		for i, r := range p.Rules {
			if int(r.Resolver) >= len(resolve.IDs()) || i > 0 && p.Rules[i-1].Prefix >= r.Prefix {
				return fmt.Errorf("the rule of prefix %q is out of order, or names a resolver that is not known to this version of the program", r.Prefix)
			}
		}
	}
	return nil
}
