// Package rules reads policies as they are written: the text that leaders compare, and the
// rule of one prefix.
//
//	*=causal,acks=2 "cart/"=siblings,read=pick "n:"=counter    ◀─▶ resolve.Policy
//	                         └── what follows the prefix: Rule
//
// What it is not: it judges no key, and reads no command lines, whose prefixes are written
// otherwise.
//
// Invariant: Parse reverses resolve.Policy.String, but for what that leaves out: who watches.
package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kvd/resolve"
	"kvd/resolve/doomed"
	"kvd/resolve/limits"
)

// Rule reads the rule of a prefix: a resolver, and options behind commas, which are read=pick,
// acks=N, commit-wait and doomed=FATE.
func Rule(prefix, text string) (resolve.Rule, error) {
	parts := strings.Split(text, ",")
	id, err := resolve.ParseID(parts[0])
	r := resolve.Rule{Prefix: prefix, Resolver: id}
	for _, option := range parts[1:] {
		err = errors.Join(err, apply(&r, option))
	}
	if len(prefix) > limits.Key {
		err = errors.Join(err, fmt.Errorf("it has %d bytes, and no key has more than %d", len(prefix), limits.Key))
	}
	if err != nil {
		return resolve.Rule{}, fmt.Errorf("the rule of prefix %.64q: %w", prefix, err)
	}
	return r, nil
}

func apply(r *resolve.Rule, option string) (err error) {
	switch name, value, _ := strings.Cut(option, "="); {
	case option == "read=pick":
		r.Pick = true
	case option == "commit-wait":
		r.CommitWait = true
	case name == "acks":
		r.Acks, err = acks(value)
	case name == "doomed":
		err = r.SetDoomed(value)
	default:
		err = fmt.Errorf("%.64q is no option; there are read=pick, acks=N, commit-wait and doomed=%s", option, strings.Join(doomed.Names(), "|"))
	}
	return err
}

func acks(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > limits.Acks {
		return 0, fmt.Errorf("acks is %.64q; give how many leaders are to hold a write before it is answered, 1 to %d", text, limits.Acks)
	}
	return n, nil
}

// Parse reads a policy as resolve.Policy.String writes it. Nobody watches under it.
func Parse(text string) (p resolve.Policy, err error) {
	rest, ok := strings.CutPrefix(text, "*=")
	if !ok {
		return p, fmt.Errorf("%.64q is no policy: it begins with *=, and who serves what has no rule", text)
	}
	first, rest := cut(rest)
	r, err := Rule("", first)
	if err == nil && (r.Pick || r.CommitWait || r.Doomed != doomed.Accept) {
		err = fmt.Errorf("%.64q: what has no rule has a resolver and acks", first)
	}
	p.Default, p.Acks = r.Resolver, r.Acks
	for err == nil && rest != "" {
		if r, rest, err = next(rest); err == nil {
			p.Rules = append(p.Rules, r)
		}
	}
	if err == nil {
		err = p.Validate()
	}
	if err != nil {
		return resolve.Policy{}, err
	}
	return p, nil
}

// next reads one rule of a text, and gives what follows it.
func next(text string) (resolve.Rule, string, error) {
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return resolve.Rule{}, "", fmt.Errorf("%.64q begins with no prefix in quotes", text)
	}
	prefix, err := strconv.Unquote(quoted)
	rest, ok := strings.CutPrefix(text[len(quoted):], "=")
	if err != nil || !ok {
		return resolve.Rule{}, "", fmt.Errorf("%.64q is no rule", text)
	}
	rest, after := cut(rest)
	r, err := Rule(prefix, rest)
	return r, after, err
}

// cut is what is before the first space, and what is behind it.
func cut(text string) (before, after string) {
	before, after, _ = strings.Cut(text, " ")
	return before, after
}

// Set is the policy with that rule, in the place of one for the same prefix. The policy
// that is given stays as it is.
func Set(p resolve.Policy, r resolve.Rule) resolve.Policy {
	p, _ = Unset(p, r.Prefix)
	p.Rules = append(p.Rules, r)
	return p
}

// Unset is the policy without the rule of the prefix, and whether there was one.
func Unset(p resolve.Policy, prefix string) (resolve.Policy, bool) {
	n := len(p.Rules)
	p.Rules = slices.DeleteFunc(slices.Clone(p.Rules), func(r resolve.Rule) bool { return r.Prefix == prefix })
	return p, len(p.Rules) < n
}
