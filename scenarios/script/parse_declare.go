package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (p *parser) name(r *reader) {
	p.scenario.Name = r.name("a scenario's name").text
}

func (p *parser) title(r *reader) {
	w := r.remainder()
	if w.raw == "" || len(w.raw) > maxTitleBytes {
		r.fail(w, fmt.Sprintf("a sentence of 1 to %d bytes", maxTitleBytes), "")
	}
	p.scenario.Title = w.raw
}

func (p *parser) model(r *reader) {
	m := &p.scenario.Model
	r.options(reading{least: 1},
		keyed("timing", func(w word) { m.Timing = choice(r, w, Synchronous, PartiallySynchronous, Asynchronous) }),
		keyed("nodes", func(w word) { m.Nodes = choice(r, w, CrashStop, CrashRecovery, Byzantine) }))
}

func (p *parser) leaders(r *reader) {
	for first := true; first || r.more(); first = false {
		w := r.name("a leader's name")
		p.fresh(r, w, "leader")
		if r.err != nil {
			return
		}
		p.leaderNames[w.raw] = true
		p.scenario.Leaders = append(p.scenario.Leaders, w.raw)
		if len(p.scenario.Leaders) > maxLeaders {
			r.fail(w, fmt.Sprintf("at most %d leaders", maxLeaders), "")
		}
	}
}

// fresh refuses a name that is taken, or that could be read as something else
// where a name may be.
func (p *parser) fresh(r *reader, w word, what string) {
	_, client := p.clients[w.raw]
	_, verb := p.row(w.raw)
	switch {
	case verb, w.raw == "seen", w.raw == "acked", w.raw == RetrySame, w.raw == RetryNext:
		r.fail(w, "a "+what+"'s name that is no word of the language", "")
	case client, p.leaderNames[w.raw]:
		r.fail(w, "a name that no leader and no client has yet", "")
	}
}

func (p *parser) policy(r *reader) {
	notes := r.line.notes
	for first := true; first || r.more(); first = false {
		w := r.next()
		prefix, resolver, options := splitPolicy(r, w)
		if p.prefixes[prefix] {
			r.fail(w, "one policy for each prefix", "")
		}
		p.prefixes[prefix] = true
		r.checkChoice(resolver, append(Resolvers(), UnderTest))
		rule := Policy{Notes: notes, Prefix: prefix, Resolver: resolver.raw}
		for _, o := range options {
			p.policyOption(r, &rule, o)
		}
		p.scenario.Policies = append(p.scenario.Policies, rule)
		notes = nil // they belong to the first
		if len(p.scenario.Policies) > maxPolicies {
			r.fail(w, fmt.Sprintf("at most %d policies", maxPolicies), "")
		}
	}
}

// policyOption reads NAME=VALUE behind a rule.
func (p *parser) policyOption(r *reader, rule *Policy, w word) {
	name, value, _ := strings.Cut(w.raw, "=")
	v := word{raw: value, text: value, column: w.column + len(name) + 1}
	switch {
	case name == optionRead && !rule.Pick:
		r.checkChoice(v, []string{"pick"})
		rule.Pick = true
	case w.raw == optionWait && !rule.CommitWait:
		rule.CommitWait = true
		if rule.Resolver != "interval" && rule.Resolver != UnderTest {
			r.fail(w, "no commit-wait for "+rule.Resolver, "it is for interval, whose stamps say how wrong a clock may be")
		}
	case name == optionDoomed && rule.Doomed == "":
		r.checkChoice(v, doomedFates)
		rule.Doomed = value
		if !Dooms(rule.Resolver) {
			r.fail(w, "no doomed= for "+rule.Resolver, "it never loses a write that its leader knows to be beaten")
		}
	default:
		r.fail(w, "each option once", "")
	}
}

// The options of a policy.
const (
	optionRead   = "read"
	optionDoomed = "doomed"
	optionWait   = "commit-wait"
)

var doomedFates = []string{"accept", "refuse", "lift"}

// Dooms reports whether a write of the resolver's can lose where it is accepted, so that a
// policy can say what becomes of it. Of UnderTest it may be.
func Dooms(resolver string) bool {
	return !slices.Contains([]string{"siblings", "causal", "counter"}, resolver)
}

// splitPolicy separates PREFIX=RESOLVER at the last equals sign that is not an
// option's, since keys may hold others.
func splitPolicy(r *reader, w word) (prefix string, resolver word, options []word) {
	tail := w.raw
	if w.quoted {
		tail = w.rest
	}
	begin := w.column + len(w.raw) - len(tail)
	for {
		at := strings.LastIndexByte(tail, ',')
		if at < 0 || !isPolicyOption(tail[at+1:]) || !strings.Contains(tail[:at], "=") {
			break
		}
		options = append(options, word{raw: tail[at+1:], column: begin + at + 1})
		tail = tail[:at]
	}
	slices.Reverse(options)
	at := strings.LastIndexByte(tail, '=')
	prefix = w.text
	if !w.quoted && at >= 0 {
		prefix = tail[:at]
	}
	if at < 0 || w.quoted && at > 0 || !w.quoted && at == 0 || len(prefix) > maxKeyBytes {
		r.fail(w, "PREFIX=RESOLVER", `"" is the prefix of every key`)
		return "", word{}, nil
	}
	resolver = word{raw: tail[at+1:], column: begin + at + 1}
	return prefix, resolver, options
}

// isPolicyOption reports whether the text is an option of a policy, or at least named so.
func isPolicyOption(text string) bool {
	name, _, ok := strings.Cut(text, "=")
	return ok && (name == optionRead || name == optionDoomed) || name == optionWait
}

func (p *parser) shadow(r *reader) {
	s := p.scenario
	for first := true; first || r.more(); first = false {
		w := r.next()
		if first && w.raw == ShadowAll {
			s.Shadows = []string{ShadowAll}
			break
		}
		r.checkChoice(w, p.resolvers)
		if slices.Contains(s.Shadows, w.raw) {
			r.fail(w, "each resolver once", "")
		}
		s.Shadows = append(s.Shadows, w.raw)
	}
}

func (p *parser) settings(r *reader) {
	s := &p.scenario.Settings
	count := func(name string, at *Opt[int]) option {
		return keyed(name, func(w word) { *at = Some(int(r.count(w, 1, maxCount))) })
	}
	r.options(reading{least: 1},
		count("gate-ops", &s.GateOps), count("window-ops", &s.WindowOps), count("batch-ops", &s.BatchOps),
		count("waiting", &s.Waiting),
		keyed("max-siblings", func(w word) { s.MaxSiblings = Some(int(r.count(w, 1, maxSiblings))) }),
		count("history", &s.History), count("pinned", &s.Pinned),
		keyed("quarantine", func(w word) { s.Quarantine = choice(r, w, QuarantineWarn, QuarantineStamps, QuarantineAll) }),
		keyed("quarantine-beyond", func(w word) { s.QuarantineBeyond = Some(r.duration(w, anySpan())) }),
		keyed("max-drift", func(w word) { s.MaxDrift = Some(r.duration(w, anySpan())) }),
		keyed("token-wait", func(w word) { s.TokenWait = Some(r.duration(w, anySpan())) }))
}

func (p *parser) seed(r *reader) {
	w := r.next()
	n, err := strconv.ParseUint(w.text, 10, 64)
	if err != nil || w.quoted || n == 0 || w.text[0] == '+' {
		r.fail(w, "a whole number from 1 on", "")
	}
	p.scenario.Seed = n
}

func (p *parser) client(r *reader) {
	w := r.name("a client's name")
	p.fresh(r, w, "client")
	c := Client{Notes: r.line.notes, Name: w.raw}
	r.options(reading{least: 1},
		keyed("at", func(w word) { c.At = w.raw; p.checkLeader(r, w) }),
		bare("session", func(word) { c.Session = true }),
		keyed("timeout", func(w word) { c.Timeout = r.duration(w, positiveSpan()) }),
		keyed("retry", func(w word) { c.Retry = w.raw; p.checkLeader(r, w, RetrySame, RetryNext) }))
	switch {
	case c.At == "":
		r.fail(r.peek(), "at=N", "")
	case c.Retry != "" && c.Timeout == 0:
		r.fail(w, "a timeout with retry", "nothing is retried by a client that waits for ever")
	}
	p.clients[c.Name] = c
	p.scenario.Clients = append(p.scenario.Clients, c)
	if len(p.scenario.Clients) > maxClients {
		r.failOnce(w, fmt.Sprintf("at most %d clients", maxClients), "")
	}
}
