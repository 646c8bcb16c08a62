package script

import "slices"

// check reads one promise by the table of forms.
func (p *parser) check(r *reader) {
	c := Check{Notes: r.line.notes}
	rows := p.checks
	if !p.seen["settle"] {
		r.failOnce(p.justRead(r, "check"), "settle before the first check", "")
	}
	w := r.next()
	at := slices.IndexFunc(rows, func(row CheckForm) bool { return string(row.Name) == w.raw })
	if at < 0 {
		names := make([]CheckName, len(rows))
		for i, row := range rows {
			names[i] = row.Name
		}
		r.failName(w, namesOf(names))
		return
	}
	c.Name = rows[at].Name
	rows[at].read(p, r, &c)
	c.For = p.resolversFor(r)
	p.scenario.Checks = append(p.scenario.Checks, c)
}

// resolversFor reads the end of a check line: nothing, or for RESOLVER ...
func (p *parser) resolversFor(r *reader) []string {
	var names []string
	if !r.more() {
		return nil
	}
	r.literal("for", "a promise may be followed by for RESOLVER ...")
	for first := true; first || r.more(); first = false {
		w := r.next()
		r.checkChoice(w, p.resolvers)
		if slices.Contains(names, w.raw) {
			r.fail(w, "each resolver once", "")
		}
		names = append(names, w.raw)
	}
	return names
}

func (p *parser) checkLost(r *reader, c *Check) {
	if w := r.peek(); w.raw != "=" {
		c.Key = r.key()
	}
	p.checkCount(r, c)
}

func (p *parser) checkCount(r *reader, c *Check) {
	r.literal("=", "")
	c.Count = r.count(r.next(), 0, maxCount)
}

func (p *parser) checkLog(r *reader, c *Check) {
	r.literal("<=", "")
	c.Count = r.count(r.next(), 1, maxFileBytes)
}

func (p *parser) checkAcked(r *reader, _ *Check) {
	r.literal("=", "")
	r.literal("accounted", "")
}

func (p *parser) checkSession(r *reader, c *Check) {
	w := r.next()
	r.checkChoice(w, sortedKeys(p.clients))
	c.Client = w.raw
	c.Guarantee = choice(r, r.next(), ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads, AllGuarantees)
}

func (p *parser) checkKey(r *reader, c *Check) { c.Key = r.key() }

func (p *parser) checkValue(r *reader, c *Check) {
	c.Key = r.key()
	r.literal("=", "")
	if r.took(absent) {
		return
	}
	c.Value = Some(r.value())
}

// absent, unquoted, is no value but that there is none.
const absent = "absent"

func (p *parser) checkVisible(r *reader, c *Check) {
	c.First = p.write(r)
	r.literal("before", "check visible W1 before W2")
	c.Then = p.write(r)
}

func (p *parser) write(r *reader) string {
	w := r.next()
	p.visibleLabel(r, w)
	return p.known(r, w)
}
