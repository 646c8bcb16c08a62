package script

import (
	"fmt"
	"time"

	"kvd/scenarios/script/internal/spell"
)

// asynchrony refuses a timing fault in a synchronous model: there, messages
// arrive and processes take their steps within known bounds, and clocks stay
// within the error they claim.
func (p *parser) asynchrony(r *reader, w word, fault string) {
	if p.scenario.Model.Timing == Synchronous {
		r.fail(w, "no "+fault+" under timing=synchronous", "timing=partially-synchronous would allow it")
	}
}

// asynchronyHere refuses the verb just read.
func (p *parser) asynchronyHere(r *reader, verb string) {
	p.asynchrony(r, p.justRead(r, verb), verb)
}

func (p *parser) justRead(r *reader, verb string) word {
	return word{raw: verb, column: r.pos - len(verb) + 1}
}

// recovery refuses, in a crash-stop model, what only leaders that come back
// can do.
func (p *parser) recovery(r *reader, verb string) {
	if p.scenario.Model.Nodes == CrashStop {
		r.fail(p.justRead(r, verb), "no "+verb+" under nodes=crash-stop", "nodes=crash-recovery would allow it")
	}
}

// steady lets a synchronous clock drift as quartz does and no more.
func (p *parser) steady(r *reader, w word, ppm int64) {
	if ppm > maxSteadyDrift || ppm < -maxSteadyDrift {
		p.asynchrony(r, w, fmt.Sprintf("drift beyond %dppm", maxSteadyDrift))
	}
}

// claim checks, line by line, that synchronous clocks are within the error they claim. A
// clock that claims nothing claims to be exact.
func (p *parser) claim(r *reader, w word, f ClockFault) {
	for _, leader := range p.scenario.Leaders {
		if f.Leader != leader && f.Leader != AllLeaders {
			continue
		}
		c := p.claims[leader]
		f.Offset.To(&c.offset)
		f.Error.To(&c.err)
		p.claims[leader] = c
		if c.offset > c.err || c.offset < -c.err {
			fault := fmt.Sprintf("clock offset %s of %s beyond its error of %s", spell.Signed(c.offset), leader, spell.Duration(c.err))
			p.asynchrony(r, w, fault)
		}
	}
}

// claim is what a clock shows beside true time and how wrong it says that may
// be.
type claim struct {
	offset, err time.Duration
}
