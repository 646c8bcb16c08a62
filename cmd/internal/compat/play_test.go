package compat

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// arena is the two servers, and what of their differences is listed.
type arena struct {
	redis, kvd peer
	tables     *tables
	commands   int // that were compared
}

// difference is what the servers answer differently, and why that is wrong.
type difference struct {
	at         int // which act; len(acts): what is held afterwards
	args       []string
	redis, kvd reply
	what       string // if it is not the replies
}

func (d *difference) String() string {
	if d.what != "" {
		return d.what
	}
	return fmt.Sprintf("%s\n\tredis: %s\n\tkvd:   %s", words(d.args), shown(d.redis), shown(d.kvd))
}

// kind is alike for differences that are probably the same one.
func (d *difference) kind() string {
	if d.what != "" {
		return d.what[:min(len(d.what), 20)]
	}
	kind := subject(d.args)
	for _, r := range []reply{d.redis, d.kvd} {
		kind += " " + string(r.Kind)
		if isError(r) {
			words, _, _ := strings.Cut(r.Text, "'")
			kind += words
		}
	}
	return kind
}

// stage is one story at one server.
type stage struct {
	peer  peer
	links [2]*link
}

func (p peer) begin(s story) (*stage, error) {
	st := &stage{peer: p}
	for i := range st.links {
		if i == 1 && !slices.ContainsFunc(s.acts, func(a act) bool { return a.conn == 1 }) {
			break
		}
		var err error
		if st.links[i], err = p.dial(); err != nil {
			return st, err
		}
		if s.proto == 3 {
			if _, err := st.ask(i, "HELLO", "3"); err != nil {
				return st, err
			}
		}
	}
	return st, nil
}

func (st *stage) end() {
	for _, l := range st.links {
		if l != nil {
			_ = l.nc.Close()
		}
	}
}

func (st *stage) ask(i int, args ...string) (reply, error) {
	st.links[i].send(encode(args))
	return st.links[i].take(args)
}

// barrier is asked behind bytes of the protocol, to see where their replies end.
var barrier = []string{"PING", "barrier"}

// play sends acts that go together, of one connection, and reads their replies.
func (st *stage) play(acts []act) ([]reply, error) {
	l, text := st.links[acts[0].conn], ""
	for _, a := range acts {
		text += a.encode()
	}
	l.send(text)
	var all []reply
	for _, a := range acts {
		r, err := reply{}, error(nil)
		if a.raw {
			r, err = l.untilBarrier()
		} else {
			r, err = l.take(a.args)
		}
		if err != nil {
			return all, fmt.Errorf("%s: %s: %w", st.peer.name, a, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (l *link) untilBarrier() (reply, error) {
	all := reply{Kind: '*'}
	for {
		r, err := l.next()
		if err != nil || r.Kind == '$' && r.Text == barrier[1] {
			return all, err
		}
		if all.Items = append(all.Items, r); r.Kind == closed {
			return all, nil
		}
	}
}

// together gives the acts from i on that are sent in one write.
func (s story) together(i int) []act {
	to := i + 1
	for to < len(s.acts) && s.acts[to].more && s.acts[to].conn == s.acts[i].conn {
		to++
	}
	return s.acts[i:to]
}

// run plays a story at both and gives the first difference that is not listed. A
// listed one ends the story, unless both refused and so still hold the same.
func (a *arena) run(s story) (*difference, error) {
	began := time.Now()
	var stages [2]*stage
	for i, p := range []peer{a.redis, a.kvd} {
		st, err := p.begin(s)
		defer st.end()
		if err != nil {
			return nil, err
		}
		stages[i] = st
	}
	if err := clean(stages); err != nil {
		return nil, err
	}
	j := judge{tables: a.tables, began: began, proto: s.proto}
	for i := 0; i < len(s.acts); {
		acts := s.together(i)
		theirs, err := stages[0].play(acts)
		if err != nil {
			return nil, err
		}
		ours, err := stages[1].play(acts)
		if err != nil {
			return &difference{at: i, args: acts[0].args, what: err.Error()}, nil
		}
		for n, act := range acts {
			a.commands++
			switch d, apart := j.look(act, theirs[n], ours[n]); {
			case d != nil:
				d.at = i + n
				return d, nil
			case apart:
				return nil, nil
			}
		}
		i += len(acts)
	}
	return a.held(stages, &j, len(s.acts))
}

// clean removes all keys that there are, over connections of its own.
func clean(stages [2]*stage) error {
	for i, st := range stages {
		l, err := st.peer.dial()
		if err != nil {
			return err
		}
		if err = l.clean(); i == 0 { // Redis counts and keeps what has ended; a leader is held to what it shows
			l.send(encode([]string{"FLUSHALL"}))
			_, err = l.take(nil)
		}
		_ = l.nc.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", st.peer.name, err)
		}
	}
	return nil
}

func (l *link) clean() error {
	keys, err := l.keys()
	if err != nil || len(keys) == 0 {
		return err
	}
	args := append([]string{"DEL"}, keys...)
	l.send(encode(args))
	if r, err := l.take(args); err != nil || isError(r) {
		return fmt.Errorf("%s: %s, %v", words(args), shown(r), err)
	}
	return nil
}

func (l *link) keys() ([]string, error) {
	l.send(encode([]string{"KEYS", "*"}))
	r, err := l.take(nil)
	if err == nil && r.Kind != '*' {
		err = fmt.Errorf("KEYS *: %s", shown(r))
	}
	var keys []string
	for _, k := range r.Items {
		keys = append(keys, k.Text)
	}
	slices.Sort(keys)
	return keys, err
}

// held compares what the servers hold after a story.
func (a *arena) held(stages [2]*stage, j *judge, at int) (*difference, error) {
	var all [2][]string
	var links [2]*link
	for i, st := range stages {
		l, err := st.peer.dial()
		if err != nil {
			return nil, err
		}
		defer l.nc.Close()
		if all[i], err = l.keys(); err != nil {
			return nil, err
		}
		links[i] = l
	}
	if !slices.Equal(all[0], all[1]) {
		return &difference{at: at, what: fmt.Sprintf("afterwards redis holds the keys %q and kvd %q", all[0], all[1])}, nil
	}
	for _, key := range all[0] {
		for _, cmd := range [][]string{{"GET", key}, {"PEXPIRETIME", key}} {
			var r [2]reply
			for i, l := range links {
				l.send(encode(cmd))
				var err error
				if r[i], err = l.take(cmd); err != nil {
					return nil, fmt.Errorf("%s: %w", stages[i].peer.name, err)
				}
			}
			if !j.fits(cmd, r[0], r[1]) && !a.tables.listed(cmd, r[0], r[1]) {
				return &difference{at: at, what: fmt.Sprintf("afterwards %s shows\n\tredis: %s\n\tkvd:   %s", words(cmd), shown(r[0]), shown(r[1]))}, nil
			}
		}
	}
	return nil, nil
}

// shrink leaves out of a story, and shortens, what the difference does not need.
func (a *arena) shrink(s story, d *difference) (story, *difference) {
	s.acts = slices.Clone(s.acts[:min(d.at+1, len(s.acts))])
	try := func(t story) bool {
		if len(t.acts) == 0 {
			return false
		}
		again, err := a.run(t)
		if err != nil || again == nil {
			return false
		}
		s, d = t, again
		return true
	}
	for changed := true; changed; {
		changed = false
		for size := max(1, len(s.acts)/2); size > 0; size /= 2 {
			for i := 0; i+size <= len(s.acts); {
				if t := s; try(story{t.title, t.proto, slices.Concat(t.acts[:i], t.acts[i+size:])}) {
					changed = true
				} else {
					i++
				}
			}
		}
		for i := range s.acts {
			for _, smaller := range simpler(s.acts[i]) {
				t := s
				t.acts = slices.Clone(s.acts)
				t.acts[i] = smaller
				if try(t) {
					changed = true
					break
				}
			}
		}
	}
	return s, d
}

// simpler is what a command could be in its place: sent alone, with an argument
// less, or with a shorter one. All of them are smaller, so that shrinking ends.
func simpler(a act) []act {
	var all []act
	with := func(change func(b *act)) {
		b := a
		b.args = slices.Clone(a.args)
		change(&b)
		all = append(all, b)
	}
	if a.more {
		with(func(b *act) { b.more = false })
	}
	if a.line {
		with(func(b *act) { b.line = false })
	}
	if a.raw {
		return all
	}
	if up := strings.ToUpper(a.args[0]); up != a.args[0] {
		with(func(b *act) { b.args[0] = up })
	}
	for i := 1; i < len(a.args); i++ {
		with(func(b *act) { b.args = slices.Delete(b.args, i, i+1) })
		if half := len(a.args[i]) / 2; half > 12 {
			with(func(b *act) { b.args[i] = b.args[i][:half] })
		}
	}
	return all
}
