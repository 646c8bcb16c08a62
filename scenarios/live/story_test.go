package live

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kvd/replica/client/conn"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/scenarios"
	"kvd/scenarios/script"
	"kvd/scenarios/world/clientop"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata from what happens")

// TestStories plays what a live run decides without processes: the plan, the words that
// leaders are sent, what their answers mean, and what is expected. What is no verb of
// story is a line of the script that the verbs are about; the first of those after a
// verb begins a new script.
func TestStories(t *testing.T) {
	replicatest.Stories(t, *update, func(t *testing.T) func([]string) string {
		s := &story{t: t}
		return s.do
	})
}

type story struct {
	t      *testing.T
	script []string
	done   bool // a verb was played: the next line begins another script
	read   *script.Scenario
}

func (s *story) do(words []string) string {
	verb, args := words[0], words[1:]
	verbs := map[string]func([]string) string{
		"plan":     s.plan,     // plan: may the script be played, and how fast
		"scaled":   s.scaled,   // scaled FACTOR: the script as it is played
		"commands": s.commands, // commands [COUNTED-KEY…]: what clients send
		"faults":   s.faults,   // faults: what leaders are told of links and clocks
		"answer":   s.answer,   // answer KIND REPLY: what a leader's words mean
		"expect":   s.expect,   // expect RESOLVER COLUMN=VALUE…: whether the table allows this result
	}
	if play, ok := verbs[verb]; ok {
		s.done = true
		return play(args)
	}
	if s.done {
		s.script, s.done, s.read = nil, false, nil
	}
	s.script = append(s.script, strings.Join(words, " "))
	return ""
}

// parsed is the same for all verbs: none may change it.
func (s *story) parsed() *script.Scenario {
	s.t.Helper()
	if s.read == nil {
		s.read = s.parse()
	}
	return s.read
}

func (s *story) parse() *script.Scenario {
	text := "-- scenario --\n" + strings.Join(s.script, "\n") + "\n"
	if !strings.Contains(text, "\nname ") {
		text = strings.Replace(text, "\n", "\nname story\n", 1)
	}
	if !strings.Contains(text, "\nsettle ") {
		before, table, found := strings.Cut(text, "-- expect --")
		if text = before + "settle 1s\n"; found {
			text += "-- expect --" + table
		}
	}
	return parse(s.t, text)
}

func (s *story) plan([]string) string {
	p := PlanFor(s.parsed())
	if p.Only != "" {
		return "simulation only: " + p.Only
	}
	out := fmt.Sprintf("%.4g times as slow, takes %s", p.Factor, p.Story)
	if p.Loose {
		out += ", only its shape is expected"
	}
	return out
}

func (s *story) scaled(args []string) string {
	factor, err := strconv.ParseFloat(args[0], 64)
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	c := scale(s.parsed(), factor)
	for _, u := range c.Setup {
		fmt.Fprintln(&b, u.Action)
	}
	for _, client := range c.Clients {
		if client.Timeout > 0 {
			fmt.Fprintf(&b, "client %s timeout=%s\n", client.Name, client.Timeout)
		}
	}
	for _, e := range c.Events {
		fmt.Fprintln(&b, e.String())
	}
	return b.String()
}

func (s *story) commands(counted []string) string {
	parsed := s.parsed()
	d := newDriver(parsed, nil, func(key string) bool { return slices.Contains(counted, key) })
	var b strings.Builder
	for _, e := range parsed.Events {
		do, ok := e.Action.(script.ClientOp)
		if !ok {
			continue
		}
		c := d.clients[do.Client]
		op := operation{Operation: clientop.Operation{ClientOp: do}}
		if c.begin(&op); op.Read {
			fmt.Fprintln(&b, strings.Join(c.command(&op), " "))
			if c.spec.Session {
				c.token = "SEEN"
			}
			if op.Kind == script.OpGet {
				continue
			}
			op.Read, op.Exact, op.token, op.Made = false, true, "READ", "made"
		}
		fmt.Fprintln(&b, strings.Join(c.command(&op), " "))
	}
	return b.String()
}

func (s *story) faults([]string) string {
	parsed := s.parsed()
	links := newLinks(parsed.Leaders)
	var b strings.Builder
	for _, e := range parsed.Events {
		var changed [][2]string
		switch a := e.Action.(type) {
		case script.LinkFault:
			changed = links.fault(a)
		case script.Partition:
			changed = links.partition(a)
		case script.Cut:
			changed = links.change(a.Path.Covers, func(l *link) { l.cut = true })
		case script.Heal:
			changed = links.change(a.Path.Covers, func(l *link) { l.cut = false })
		case script.ClockFault:
			fmt.Fprintln(&b, a.Leader, strings.Join(clockWords(a), " "))
		}
		for _, p := range changed {
			fmt.Fprintln(&b, p[0], strings.Join(links.of[p].words(p[1]), " "))
		}
	}
	return b.String()
}

func (s *story) answer(args []string) string {
	kind, words := args[0], args[1:]
	r, rest := reply(words)
	if len(rest) > 0 {
		s.t.Fatalf("%q is more than one reply", words)
	}
	var got any
	var err error
	switch kind {
	case "write":
		got, err = readWritten(r)
	case "read":
		got, err = readGot(r)
	case "frontier":
		got, err = readFrontier(r)
	case "losses":
		got, err = readLosses(r)
	case "history":
		got, err = readHistory(r)
	default:
		s.t.Fatalf("the story says %q", kind)
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return fmt.Sprintf("%+v", got)
}

// reply reads one reply: nil, a word, or a list in brackets.
func reply(words []string) (r conn.Reply, rest []string) {
	switch words[0] {
	case "nil":
		return conn.Reply{Kind: '$', Null: true}, words[1:]
	case "[":
		r.Kind, rest = '*', words[1:]
		for rest[0] != "]" {
			var item conn.Reply
			item, rest = reply(rest)
			r.Items = append(r.Items, item)
		}
		return r, rest[1:]
	}
	return conn.Reply{Kind: '$', Text: words[0]}, words[1:]
}

func (s *story) expect(args []string) string {
	parsed := s.parsed()
	r := &scenarios.Result{Scenario: parsed.Name, Resolver: args[0], Expectation: scenarios.Broken, Converged: true, Values: map[string]map[string][]string{}}
	into := map[string]*int{"acked": &r.Acked, "lost": &r.Lost, "inverted": &r.Inverted, "concurrent": &r.Concurrent, "durability": &r.Durability}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if name == "converged" {
			r.Converged = value == "yes"
			continue
		}
		if into[name] == nil { // what all leaders show of a key
			for _, n := range parsed.Leaders {
				r.Values[n] = map[string][]string{name: {value}}
			}
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			s.t.Fatalf("%q is no COLUMN=NUMBER", arg)
		}
		*into[name] = n
	}
	if err := expect(r, parsed, PlanFor(parsed), scenarios.Options{Resolver: resolve.LWW}); err != nil {
		s.t.Fatal(err)
	}
	return r.Expectation
}
