package answers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/wallclock"
)

// rewriting is a write that a leader which was forgotten had acknowledged alone, and that is
// to be written again here.
type rewriting struct {
	key      string
	was      logical.Dot   // under which it was acknowledged
	parents  []logical.Dot // that its author had been shown
	over     bool          // whatever the key shows
	original [2]uint64     // client and number of its request; zero: none was given
	request  replica.Request
}

// What became of it.
const (
	rewritten = "written" // now
	before    = "before"  // by the same command, earlier
	known     = "known"   // it is here: it had reached another leader after all, or its client sent it there again
	newer     = "newer"   // the key shows what its author had not been shown; it is not written
	ended     = "ended"   // its time to live is over
)

var errNewer = errors.New("the key shows what the author of the write had not been shown")

// rewrite is KVD.REWRITE: it writes an exported write again, once, and never over what its
// author had not been shown, unless it says OVER. Its retry identity is the dot that it had:
// so what was rewritten of its parents is found by theirs.
func (an *Answers) rewrite(ctx context.Context, args [][]byte, w *resp.Writer) (logical.Dot, error) {
	r, err := readRewriting(args)
	if err != nil {
		return logical.Dot{}, err
	}
	var became string
	var dot logical.Dot
	_, err = an.ask(ctx, func(snap *snapshot) error {
		became, dot, err = r.lookUp(snap)
		return err
	})
	if err != nil {
		return logical.Dot{}, err
	}
	var shown []logical.Dot
	if became == "" {
		became = rewritten
		r.decide(&shown)
		reply, err := an.write(&r.request)
		switch {
		case errors.Is(err, errNewer):
			became = newer
		case err != nil:
			return logical.Dot{}, err
		case reply.Retry:
			became, dot = before, reply.Dot
		default:
			dot = reply.Dot
		}
	}
	w.Map(4)
	fields.Text(w, "leader", an.cfg.Name)
	fields.Text(w, "became", became)
	fields.Text(w, "dot", dotText(dot))
	fields.List(w, "shown", shown, func(d logical.Dot) { w.Text(d.String()) })
	return dot, nil
}

func dotText(d logical.Dot) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// lookUp is what became of the write before; empty: it is to be written. Parents that were
// rewritten count as shown.
func (r *rewriting) lookUp(snap *snapshot) (became string, dot logical.Dot, err error) {
	if snap.applied.Covers(r.was) {
		return known, r.was, nil
	}
	if r.original[0] != 0 {
		if dot, found, err := snap.Request(r.original[0], r.original[1]); err != nil || found {
			return known, dot, err
		}
	}
	if dot, found, err := snap.Request(r.request.Client, r.request.Number); err != nil || found {
		return before, dot, err
	}
	if e := r.request.Expires; e != 0 && e <= snap.of.cfg.Loop.Now() {
		return ended, dot, nil
	}
	for _, d := range r.parents {
		again, found, err := snap.Request(uint64(d.Origin), uint64(d.Seq))
		if err != nil {
			return "", dot, err
		}
		if found {
			r.parents = append(r.parents, again)
		}
	}
	return "", dot, nil
}

// decide makes what the key shows decide whether it is written, in one step with the write.
// An addition goes over anything. What it was shown is left in shown if that keeps it from
// being written.
func (r *rewriting) decide(shown *[]logical.Dot) {
	write := replica.Write{Verb: r.request.Verb, Value: r.request.Value, Expires: r.request.Expires, Delta: r.request.Delta}
	if write.Verb == replica.Incr {
		return
	}
	parents, over := r.parents, r.over
	r.request.Verb, r.request.Decide = replica.Update, func(p replica.Present) (replica.Write, error) {
		for _, d := range p.Reading.Dots {
			if !over && !slices.Contains(parents, d) {
				*shown = slices.Clone(p.Reading.Dots)
				return replica.Write{Verb: replica.Get}, errNewer
			}
		}
		return write, nil
	}
}

// readRewriting reads KVD.REWRITE key dot PUT value|DELETE|ADD n, and what follows.
func readRewriting(args [][]byte) (r rewriting, err error) {
	r.key = string(args[1])
	if r.was, err = logical.ParseDot(string(args[2])); err != nil {
		return r, err
	}
	r.request = replica.Request{Key: r.key, Client: uint64(r.was.Origin), Number: uint64(r.was.Seq)}
	rest := args[4:]
	switch kind := strings.ToLower(string(args[3])); {
	case kind == resolve.Delete.String():
		r.request.Verb = replica.Remove
	case len(rest) == 0:
		return r, fmt.Errorf("%.64q is not followed by a value: say PUT and the value, ADD and a number, or DELETE", args[3])
	case kind == resolve.Put.String():
		r.request.Verb, r.request.Value, rest = replica.Set, slices.Clone(rest[0]), rest[1:]
	case kind == resolve.Add.String():
		if r.request.Delta, err = strconv.ParseInt(string(rest[0]), 10, 64); err != nil {
			return r, fmt.Errorf("%.64q is no number of 64 bits", rest[0])
		}
		r.request.Verb, rest = replica.Incr, rest[1:]
	default:
		return r, fmt.Errorf("%.64q is no kind of write that can be written again: say PUT and the value, ADD and a number, or DELETE", args[3])
	}
	return r, r.readOptions(rest)
}

func (r *rewriting) readOptions(args [][]byte) error {
	o, err := options.Read(args, options.Option{Name: "PARENT", Values: 1, Many: true}, options.Option{Name: "REQUEST", Values: 2}, options.Option{Name: "EXPIRES", Values: 1}, options.Option{Name: "OVER"})
	if err != nil {
		return err
	}
	r.over = o.Has("OVER")
	for _, text := range o["PARENT"] {
		d, err := logical.ParseDot(text)
		if err != nil {
			return err
		}
		r.parents = append(r.parents, d)
	}
	for i, text := range o["REQUEST"] {
		if r.original[i], err = strconv.ParseUint(text, 10, 64); err != nil {
			return fmt.Errorf("REQUEST is followed by two integers, not by %.64q", text)
		}
	}
	if o.Has("EXPIRES") {
		at, err := time.Parse(time.RFC3339Nano, o.One("EXPIRES"))
		if err != nil {
			return fmt.Errorf("EXPIRES is followed by a moment like 2026-01-02T15:04:05Z, not by %.64q", o.One("EXPIRES"))
		}
		r.request.Expires = wallclock.Instant(at.UnixNano())
	}
	return nil
}
