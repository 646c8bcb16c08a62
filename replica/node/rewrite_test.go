package node

import (
	"testing"

	"kvd/resolve"
)

// became is what a write that is written again comes to.
func (n *node) became(want string, words ...any) answer {
	n.t.Helper()
	a := n.tell(append([]any{"KVD.REWRITE"}, words...)...)
	if a["became"] != want {
		n.t.Errorf("%v: it became %v, want %s", words, a["became"], want)
	}
	return a
}

// What a leader had acknowledged alone is written again once, in the order of its causes,
// and not over what its author had not been shown.
func TestWhatIsWrittenAgain(t *testing.T) {
	const a, b, c = "00000000000000aa-1", "00000000000000aa-2", "00000000000000aa-3"
	n := cluster(t, 1, everybody(resolve.LWW), nil)[0]
	first := n.tell("KVD.SET", "x", "0")["dot"].(string)
	n.became("written", "x", a, "PUT", "1", "PARENT", first)
	n.became("written", "x", b, "put", "2", "PARENT", a) // after what a became
	if v := n.ask("GET", "x"); v != "2" {
		t.Errorf("x is %v", v)
	}
	n.became("before", "x", a, "PUT", "1", "PARENT", first)
	n.became("before", "x", b, "PUT", "2", "PARENT", a)
	newer := n.tell("KVD.SET", "x", "3")["dot"]
	if got := n.became("newer", "x", c, "DELETE", "PARENT", b)["shown"].([]any); len(got) != 1 || got[0] != newer {
		t.Errorf("it shows %v, want %v", got, newer)
	}
	n.became("written", "x", c, "DELETE", "PARENT", b, "OVER")
	if v := n.ask("GET", "x"); v != nil {
		t.Errorf("x is %v", v)
	}
	n.became("known", "x", first, "PUT", "0")

	n.ask("SET", "n", "5")
	n.became("written", "n", "00000000000000aa-4", "ADD", "-7")
	n.became("before", "n", "00000000000000aa-4", "ADD", "-7")
	if v := n.ask("GET", "n"); v != "-2" {
		t.Errorf("n is %v", v)
	}
	n.ask("KVD.SET", "r", "1", "REQUEST", "77", "1")
	n.became("known", "r", "00000000000000aa-5", "PUT", "1", "REQUEST", "77", "1") // its client tried again here
	n.became("ended", "t", "00000000000000aa-6", "PUT", "1", "EXPIRES", "2001-01-01T00:00:00Z")
	n.became("written", "t", "00000000000000aa-7", "PUT", "1", "EXPIRES", "2201-01-01T00:00:00Z")
	if v := n.ask("TTL", "t").(int64); v < 1e9 {
		t.Errorf("it ends in %d s", v)
	}
	for says, words := range map[string][]any{
		"no kind":     {"x", "00000000000000aa-8", "TOUCH", "1"},
		"a value":     {"x", "00000000000000aa-8", "PUT"},
		"no number":   {"x", "00000000000000aa-8", "ADD", "1.5"},
		"two integer": {"x", "00000000000000aa-8", "DELETE", "REQUEST", "a", "1"},
		"a moment":    {"x", "00000000000000aa-8", "DELETE", "EXPIRES", "5"},
		"dot":         {"x", "nonsense", "DELETE"},
	} {
		n.refused("ERR", says, append([]any{"KVD.REWRITE"}, words...)...)
	}
}
