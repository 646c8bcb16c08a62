package ledger

import (
	"kvd/logical"
	"kvd/resolve"
)

// What tests from outside look at or change.
const (
	TraceBytes     = traceBytes
	RetainedRecent = retainedRecent
)

// Config is the reader's own, to be changed between questions.
func (r *Reader) Config() *Config { return &r.cfg }

// Over lets the reader read another store and other rows.
func (r *Reader) Over(s Store, l Rows) { r.store, r.ledger = s, l }

// OverRows lets the reader read other rows.
func (r *Reader) OverRows(l Rows) { r.ledger = l }

// Question is one question under way.
type Question = question

// About begins one.
func (r *Reader) About(key string) *Question { return r.about(key) }

// QuestionOf is one about an object alone.
func QuestionOf(p resolve.Panel, o *resolve.Object) *Question {
	return &question{panel: p, object: o}
}

func (q *question) WriteOf(d logical.Dot) Write      { return q.write(d) }
func (q *question) BestOf(id resolve.ID) logical.Dot { return q.best(id) }
func (q *question) LookForOverwriters(d logical.Dot) { q.overwriters(d) }

// Gaps is what an audit under way has of ops that do not add up.
type Gaps struct{ auditor }

// NewGaps has none.
func NewGaps(r *Reader, o AuditOptions) *Gaps {
	return &Gaps{auditor{Reader: r, opt: o, out: &Audit{}}}
}

func (g *Gaps) Add(x Gap)  { g.gap(x) }
func (g *Gaps) All() []Gap { return g.out.Gaps }
func (g *Gaps) Full() int  { return g.fullGaps() }
