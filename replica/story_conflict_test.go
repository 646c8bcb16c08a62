package replica_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// conflict does the verbs of stories in which two leaders have one origin; false: it
// is none of them.
func (s *story) conflict(verb string, args []string) bool {
	switch verb {
	case "copy": // copy NAME COPY: another leader begins with all that NAME holds, its origin too
		s.names = append(s.names, args[1])
		s.nodes[args[1]] = copyOf(s.nodes[args[0]], s.config(args[1]))
	case "give": // give FROM TO: TO gets the ops that it lacks of FROM's log
		s.give(args[0], args[1])
	case "settle": // settle NAME TAKE NAME:DOT… [newer]: the dot's contents are in those leaders' logs; TAKE is the place of one, or none
		s.settle(args[0], args[1], args[2:])
	case "shared": // shared NAME DOT WITH [ALSO]: two leaders were seen to have the dot's origin
		in := replica.OriginShared{Origin: s.parse(args[1]).Origin, With: replica.Leader(args[2]), Detail: "seen by the link"}
		if len(args) > 3 {
			in.Also = replica.Leader(args[3])
		}
		s.feed(args[0], in)
	case "notes": // notes: statuses are shown with what they say of origins
		s.notes = true
	default:
		return false
	}
	return true
}

func (s *story) give(from, to string) {
	lacks := lacking(s.nodes[from], s.nodes[to])
	if len(lacks) == 0 {
		s.line("%s lacks nothing", to)
		return
	}
	s.feed(to, replica.Received{From: replica.Leader(from), Message: &replica.Batch{Ops: lacks}})
}

func (s *story) settle(name, take string, contents []string) {
	s.id++
	for _, n := range s.nodes {
		n.now = n.now.Add(time.Millisecond)
	}
	m := &replica.Settlement{Chosen: replica.KeepShown}
	if i, err := strconv.Atoi(take); err == nil {
		m.Chosen = i
	}
	for _, c := range contents {
		if c == "newer" {
			m.Newer = true
			continue
		}
		where, dot, _ := strings.Cut(c, ":")
		op, ok := s.nodes[where].store.Op(s.parse(dot))
		if !ok {
			s.t.Fatalf("%s has no %s", where, dot)
		}
		m.Contents = append(m.Contents, op)
	}
	s.feed(name, &replica.Request{ID: s.id, Verb: replica.Settle, Key: m.Contents[0].Key, Settlement: m, Token: replica.Seen(m)})
}

// parse reads a dot as stories write it.
func (s *story) parse(text string) logical.Dot {
	i := strings.LastIndexByte(text, '-')
	seq, _ := strconv.Atoi(text[i+1:])
	for o, label := range s.lives {
		if label == text[:i] {
			return logical.Dot{Origin: o, Seq: logical.Seq(seq)}
		}
	}
	s.t.Fatalf("no origin is called %q", text[:i])
	return logical.Dot{}
}

// said is what a status says of origins.
func (s *story) said(m *replica.Status) string {
	var b strings.Builder
	origins := func(title string, all []logical.Origin) {
		for _, o := range all {
			title += " " + s.lives[o]
		}
		if len(all) > 0 {
			fmt.Fprintf(&b, ", %s", title)
		}
	}
	origins("refuses", m.Refused)
	origins("shared", m.Shared)
	if len(m.Again) > 0 {
		fmt.Fprintf(&b, ", again %s", s.dots(m.Again))
	}
	var sums []logical.Dot
	for _, sum := range m.Sums {
		sums = append(sums, sum.Through)
	}
	if s.notes && len(sums) > 0 {
		fmt.Fprintf(&b, ", sums %s", s.dots(sums))
	}
	return b.String()
}

// found is an event about origins that are shared.
func (s *story) found(e replica.Event) string {
	switch e := e.(type) {
	case replica.OriginTwice:
		return fmt.Sprintf("finds the origin of %s twice, with %q", s.lives[e.Origin], e.With)
	case replica.LogsDiffer:
		return fmt.Sprintf("finds another log at %s up to %s", e.Peer, s.dot(e.Upto))
	case replica.ConflictFound:
		return fmt.Sprintf("finds another %s at %s: %s=%q", s.dot(e.Op.Dot), e.Peer, e.Op.Key, e.Op.Value)
	case replica.WritesRefused:
		return "refuses writes: " + string(e.Why.Cause)
	case replica.WritesAllowed:
		return fmt.Sprintf("no longer refuses writes: %s, %d left", e.Cause, e.Left)
	}
	return fmt.Sprintf("%T", e)
}

// until is when an op's value ends, counted from the beginning of the story.
func until(op *resolve.Op) string {
	if op.Expires == 0 {
		return ""
	}
	return fmt.Sprintf(" until %s", op.Expires.Sub(epoch))
}
