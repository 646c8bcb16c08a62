package replica

import "errors"

// Together is requests that are done all or not at all. They stand one behind the
// other in one call, each names it, and none carries a token or an identity. The
// leader tries all of them before it does the first; if one would be refused, each
// is answered the error of that one. A Decide is asked twice, and what it decides
// may depend on what those before it were shown.
type Together struct {
	Requests []*Request
	fault    error
	trying   bool
}

// Fault is why none of the requests is done; nil: they are. Try looks at one without
// doing it; it is called for all of them when the first one's turn has come. It is
// for whoever carries requests out.
func (g *Together) Fault(q *Request, try func(*Request) error) error {
	if q != g.Requests[0] {
		return g.fault
	}
	g.fault, g.trying = nil, true
	defer func() { g.trying = false }()
	for _, r := range g.Requests {
		if g.fault = try(r); g.fault != nil {
			break
		}
	}
	return g.fault
}

// Refuse makes err why none of the requests behind the first is done. Whoever finds it
// when the first one's turn has come answers that itself.
func (g *Together) Refuse(err error) { g.fault = err }

// together is why a request that is one of several is not done. What the trial took
// of the budget it gives back, so that the requests find it; where it was too little,
// what was taken tells how much is needed.
func (t *turn) together(q *Request) error {
	if q.Budget == nil || q != q.Together.Requests[0] {
		return q.Together.Fault(q, t.try)
	}
	before := q.Budget.Bytes
	err := q.Together.Fault(q, t.try)
	if !errors.Is(err, ErrBudget) {
		q.Budget.Bytes = before
	}
	return err
}

// try is why the request would be refused now; nil: it would not.
func (t *turn) try(q *Request) error {
	if err := q.check(); err != nil {
		return err
	}
	if q.Budget.Closed() {
		return q.overBudget()
	}
	panel, object := t.panel(q.Key), t.r.Object(q.Key)
	w, err := t.decide(q, panel, object)
	if err != nil || w.Verb == Get {
		return err
	}
	if err := t.readOnly(q.Verb, q.Key); err != nil {
		return err
	}
	in := t.intent(q, &w)
	op, err := t.draft(panel, object, q, &in)
	if err != nil {
		return err
	}
	return t.stampAlive(panel, object, op, q)
}
