package show

import (
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client"
)

func TestATerminalIsSentNothingItWouldObey(t *testing.T) {
	p := Printer{terminal: true}
	for value, want := range map[string]string{"hello": "hello", "naïve": "naïve", "a b": "a b", "\x1b[2J": `"\x1b[2J"`, "a\nb": `"a\nb"`, "\xff": `"\xff"`} {
		if got := p.Show(value); got != want {
			t.Errorf("%q is shown as %s, want %s", value, got, want)
		}
	}
	p.terminal = false
	if got := p.Show("\x1b[2J"); got != "\x1b[2J" {
		t.Errorf("a pipe is sent %q", got)
	}
}

func TestReplies(t *testing.T) {
	r := reply{client.ReplyOf([]any{"a", int64(2), nil, 1.5, true, big.NewInt(3), map[any]any{"k": "v", "b": []any{}}, errors.New("ERR no")})}
	want := `[{"value":"a","enc":"utf8"},2,null,1.5,true,3,{"b":[],"k":{"value":"v","enc":"utf8"}},{"error":"ERR no"}]`
	text, err := cliutil.Marshal(r)
	if err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
	lines := "1) a\n2) 2\n3) (nil)\n4) 1.5\n5) true\n6) 3\n7) b: (empty)\n   k: v\n8) (error) ERR no"
	if got := r.lines(Printable); got != lines {
		t.Errorf("%s\nwant\n%s", got, lines)
	}
	if !json.Valid(text) {
		t.Error("not JSON")
	}
}

// What a resolution goes over is said in one line, however much it is.
func TestAGlimpseOfManyValues(t *testing.T) {
	if got := Glimpse([]string{"milk", "eggs"}); got != "milk | eggs" {
		t.Errorf("two values: %q", got)
	}
	many := slices.Repeat([]string{strings.Repeat("x", 1<<20)}, 4000)
	if got := Glimpse(many); len(got) > 1000 || !strings.HasSuffix(got, " and 3992 more") {
		t.Errorf("4000 values: %d bytes, %.100q…", len(got), got)
	}
}
