package storage

import (
	"errors"
	"fmt"

	"kvd/resolve"
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

// AppendJudged appends j's encoding to dst. Equal values give equal bytes; the
// rules must be sorted by prefix.
func AppendJudged(dst []byte, j Judged) []byte {
	dst = append(appendArray(dst, 2+len(j.Folding)), judgedFormat)
	if j.Unknown {
		dst = append(dst, mNil)
	} else {
		dst = appendPolicy(dst, &j.Policy)
	}
	for i := range j.Folding {
		dst = appendPolicy(dst, &j.Folding[i])
	}
	return dst
}

func appendPolicy(dst []byte, p *resolve.Policy) []byte {
	dst = appendArray(dst, 3)
	dst = appendUint(appendUint(dst, uint64(p.Default)), uint64(p.Shadows))
	dst = appendArray(dst, 2*len(p.Rules))
	for _, r := range p.Rules {
		dst = appendUint(appendKey(dst, r.Prefix), uint64(r.Resolver))
	}
	return dst
}

// DecodeJudged reads what [AppendJudged] wrote and nothing else.
func DecodeJudged(b []byte) (Judged, error) {
	r := newReader("policy", b)
	n := r.array("policies", 2+maxFolding, 1) - 2
	r.require(n >= 0 && r.uint() == judgedFormat, "the format is not known to this version of the program")
	var j Judged
	if j.Unknown = r.peek() == mNil; j.Unknown {
		r.byte()
	} else {
		j.Policy = r.policy()
	}
	for i := 0; i < n && r.err == nil; i++ {
		j.Folding = append(j.Folding, r.policy())
	}
	if err := r.end(); err != nil {
		return Judged{}, err
	}
	return j, checkJudged(&j)
}

func (r *reader) policy() (p resolve.Policy) {
	n := r.array("elements of a policy", 3, 1)
	r.require(n == 3, "a policy has three elements")
	p.Default, p.Shadows = resolve.ID(r.uint()), r.mask()
	rules := r.array("rules", 2*maxRules, 1)
	r.require(rules%2 == 0, "rules come in pairs")
	for i := 0; i < rules/2 && r.err == nil; i++ {
		p.Rules = append(p.Rules, resolve.Rule{Prefix: r.key(), Resolver: resolve.ID(r.uint())})
	}
	return p
}

// checkJudged says why j cannot be encoded.
func checkJudged(j *Judged) error {
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

// PutJudged replaces who judged the objects.
func (b *Batch) PutJudged(j Judged) {
	if b.refuse(checkJudged(&j)) {
		return
	}
	b.key = append(b.key[:0], judgedKey()...)
	b.value = AppendJudged(b.value[:0], j)
	b.set()
}

// Judged is who judged the objects. A store that holds none, or is from before the
// policy was kept, says that it is unknown.
func (s reads) Judged() (Judged, error) {
	j := Judged{Unknown: true}
	_, err := s.get(judgedKey(), func(b []byte) (err error) {
		j, err = DecodeJudged(b)
		return err
	})
	return j, wrap(err, "read the policy that objects are folded under")
}
