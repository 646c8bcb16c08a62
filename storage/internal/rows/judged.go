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
	// Folding is the policies for which objects have begun to be folded again, and
	// not ended: keys that these give to another panel may be in any state. Nothing
	// may be served then.
	Folding []resolve.Policy
}

// Settled reports whether all objects are under the one policy.
func (j *Judged) Settled() bool { return !j.Unknown && len(j.Folding) == 0 }

// judgedFormat is the version of this layout:
//
//	format, policy (nil: unknown), policy being folded for …
//
// A policy is an array: default, shadows, [prefix, resolver …] by prefix.
// Resolvers are numbers, shadows a set of them.
const judgedFormat = 1

// What is kept of policies at most.
const (
	maxRules   = 1 << 16
	maxFolding = 64
)

// AppendJudged needs rules that are sorted by prefix.
func AppendJudged(dst []byte, j Judged) []byte {
	e := codec.Encode(dst).Array(2 + len(j.Folding)).Uint(judgedFormat)
	if j.Unknown {
		e.Nil()
	} else {
		encodePolicy(e, &j.Policy)
	}
	for i := range j.Folding {
		encodePolicy(e, &j.Folding[i])
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
	d.Format(judgedFormat)
	var j Judged
	if j.Unknown = d.Nil(); !j.Unknown {
		j.Policy = decodePolicy(d)
	}
	for i := 0; i < n && !d.Failed(); i++ {
		j.Folding = append(j.Folding, decodePolicy(d))
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
	if len(j.Folding) > maxFolding {
		return fmt.Errorf("%d policies that objects were folded for; the limit is %d", len(j.Folding), maxFolding)
	}
	for _, p := range append([]resolve.Policy{j.Policy}, j.Folding...) {
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
