package attempt

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica/replicatest"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/scenarios/trace/tracetest"
	"kvd/scenarios/world"
	"kvd/wallclock"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata from what happens")

// TestStories plays observations as they came in, and what they come to.
func TestStories(t *testing.T) {
	replicatest.Stories(t, *update, func(t *testing.T) func([]string) string {
		s := &story{t: t, nodes: map[string]world.Node{}, ref: newReference(), got: map[Identity]Evidence{}}
		s.rec = NewRecord(func() time.Duration { return s.now })
		return s.do
	})
}

type story struct {
	t     *testing.T
	now   time.Duration
	rec   *Record
	nodes map[string]world.Node
	ref   *Reference
	got   map[Identity]Evidence
}

func (s *story) do(words []string) string {
	verb, args := words[0], words[1:]
	switch verb {
	case "at": // at TIME
		s.now = s.duration(args[0])
	case "send": // send CLIENT.NUMBER LABEL KEY
		s.send(args[0], args[1], args[2])
	case "reply": // reply LEADER CLIENT.NUMBER DOT [over=DOT,…]: of an accepted write
		s.rec.Accepted(s.identity(args[1]), args[0], Acceptance{Dot: s.dots(args[2])[0], Over: s.dots(option(args, "over"))})
	case "silence": // silence CLIENT.NUMBER
		s.rec.Unanswered(s.identity(args[0]))
	case "read": // read CLIENT LEADER KEY DOT,…
		s.read(args[0], args[1], args[2], s.dots(args[3]))
	case "poll": // poll LEADER ASKED DOT,…: the leader has these and what precedes them
		s.rec.Polled(args[0], s.duration(args[1]), logical.FrontierOf(s.dots(args[2])...))
	case "ledger": // ledger LEADER RESOLVER KEY LOSER WINNER: a row
		s.ledger(args)
	case "unknown":
		return strings.Join(s.rec.Unknown(), " ")
	case "homes":
		return s.homes()
	case "assemble":
		return s.assemble()
	case "visible": // visible FIRST THEN: whoever has THEN has FIRST
		h, _ := s.rec.Assemble(nil, nil)
		held, at, why := oracle.Judge(h, func(string) string { return "lww" }).CheckVisible(args[0], args[1])
		if held {
			return "held"
		}
		return fmt.Sprintf("broken at %s: %s", at, why)
	case "mean", "got": // mean|got CLIENT.NUMBER KEY STAMP [over=CLIENT.NUMBER,…]
		s.evidence(verb, args)
	case "differs":
		if how := s.ref.Differs(s.got); how != "" {
			return how
		}
		return "the same"
	case "exact": // exact RESOLVER
		id, err := resolve.ParseID(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		if how := s.ref.Exact(&resolve.Policy{Default: id}); how != "" {
			return how
		}
		return "nothing"
	default:
		s.t.Fatalf("the story says %q", verb)
	}
	return ""
}

func (s *story) send(who, label, key string) {
	s.rec.Sending(Write{Identity: s.identity(who), Request: who, Label: label, Key: key})
	client, _, _ := strings.Cut(who, ".")
	s.rec.Add(false, trace.Event{Kind: trace.Sent, Where: client, Label: label, Key: key}, func(h *history.History, at time.Duration) {
		h.Sent(at, history.Request{ID: who, Label: label, Client: client, Key: key, Verb: script.OpSet, Valued: true})
	})
}

func (s *story) read(client, leader, key string, dots []logical.Dot) {
	s.rec.Showed(dots)
	s.rec.Add(true, trace.Event{Kind: trace.Shown, Where: client, Peer: leader, Key: key, Values: texts(dots)}, nil)
}

func (s *story) ledger(args []string) {
	id, err := resolve.ParseID(args[1])
	if err != nil {
		s.t.Fatal(err)
	}
	n := s.nodes[args[0]]
	n.Name = args[0]
	n.Losses = append(n.Losses, resolve.Loss{Resolver: id, Relation: resolve.Concurrent, Key: args[2], Loser: s.dots(args[3])[0], Winner: s.dots(args[4])[0]})
	s.nodes[args[0]] = n
}

func (s *story) homes() string {
	var all []string
	for o, leader := range s.rec.Homes() {
		all = append(all, fmt.Sprintf("%d %s", uint64(o), leader))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func (s *story) assemble() string {
	var b strings.Builder
	nodes := slices.SortedFunc(maps.Values(s.nodes), func(a, b world.Node) int { return strings.Compare(a.Name, b.Name) })
	_, tr := s.rec.Assemble(nodes, func(string) resolve.ID { return resolve.LWW })
	for e := range tr.All() {
		fmt.Fprintln(&b, tracetest.Line(e))
	}
	return b.String()
}

func (s *story) evidence(verb string, args []string) {
	id := s.identity(args[0])
	e := Evidence{Key: args[1], Wall: wallclock.Around(wallclock.Instant(s.duration(args[2])), time.Millisecond), Name: args[0]}
	for _, o := range list(option(args, "over")) {
		e.Over = append(e.Over, s.identity(o))
	}
	if verb == "mean" {
		s.ref.add(id, e)
	} else {
		s.got[id] = e
	}
}

func (s *story) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// identity reads CLIENT.NUMBER, where a client is one letter.
func (s *story) identity(text string) Identity {
	client, number, _ := strings.Cut(text, ".")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || len(client) != 1 {
		s.t.Fatalf("%q is no CLIENT.NUMBER", text)
	}
	return Identity{Client: uint64(client[0]-'A') + 1, Number: n}
}

// dots reads ORIGIN-SEQ,….
func (s *story) dots(text string) (all []logical.Dot) {
	for _, word := range list(text) {
		var o, q uint64
		if _, err := fmt.Sscanf(word, "%d-%d", &o, &q); err != nil {
			s.t.Fatalf("%q is no ORIGIN-SEQ", word)
		}
		all = append(all, logical.Dot{Origin: logical.Origin(o), Seq: logical.Seq(q)})
	}
	return all
}

func texts(dots []logical.Dot) (all []string) {
	for _, d := range dots {
		all = append(all, fmt.Sprintf("%d-%d", uint64(d.Origin), d.Seq))
	}
	return all
}

func list(text string) []string {
	return slices.DeleteFunc(strings.Split(text, ","), func(w string) bool { return w == "" || w == "-" })
}

// option is what stands behind NAME= among the words.
func option(words []string, name string) string {
	for _, w := range words {
		if value, ok := strings.CutPrefix(w, name+"="); ok {
			return value
		}
	}
	return ""
}
