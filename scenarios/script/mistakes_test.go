package script_test

import (
	"errors"
	"strings"
	"testing"

	"kvd/scenarios/script"
)

// spoilt has a mistake on nearly every line. What a line with a mistake declares is not
// missed by the lines below it.
const spoilt = `-- scenario --
nmae t
leaders n1 n! n3
cleint A at=n1
client B at=n9
clock n1 offset=+3ms dirft=1ppm
at 1s		A set x 1 timout=1s as w1
after w1 seen by n3 +1s B incr x as w2
after w3 C get x
seetle 1s
check lots x = 0
-- expect --
a b
1
`

func TestEveryMistakeIsToldOnce(t *testing.T) {
	_, err := script.Parse("t", []byte(spoilt))
	const want = `10 mistakes
t:2:1: read "nmae", expected one of name, title, model, leaders, policy, shadow, settings, seed, client, at, after, every, settle, check, clock, link, partition, cut; did you mean name?
    nmae t
    ^
t:3:12: read "n!", expected a leader's name; a name is a letter or digit and then letters, digits, - or _, at most 64
    leaders n1 n! n3
               ^
t:4:1: read "cleint", expected one of name, title, model, leaders, policy, shadow, settings, seed, client, at, after, every, settle, check, clock, link, partition, cut; did you mean client?
    cleint A at=n1
    ^
t:5:13: read "n9", expected one of n1, n3; did you mean n1?
    client B at=n9
                ^
t:6:22: read "dirft", expected one of offset, drift, error, step, freeze, strobe; did you mean drift?
    clock n1 offset=+3ms dirft=1ppm
                         ^
t:7:18: read "timout", expected one of as, timeout, retry, under, fenced; did you mean timeout?
    at 1s		A set x 1 timout=1s as w1
         		          ^
t:9:7: read "w3", expected the label of an operation on an earlier line; did you mean w1?
    after w3 C get x
          ^
t:10:1: read "seetle", expected one of name, title, model, leaders, policy, shadow, settings, seed, client, at, after, every, settle, check, clock, link, partition, cut; did you mean settle?
    seetle 1s
    ^
t:11:7: read "lots", expected one of `
	got := err.Error()
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nt:14:2: read nothing more, expected 2 cells as in the header, not 1\n    1\n     ^") {
		t.Errorf("got\n%s", got)
	}
}

func TestMistakesAreBounded(t *testing.T) {
	for text, more := range map[string]int{
		strings.Repeat("at 1s A get\n", 20): 1, strings.Repeat("at 1s A get\n", 15_000): 980,
		strings.Repeat("at 1s A get x\n", 15_000) + "settle 1s\nat 1s A get\n" + strings.Repeat("check converged\n", 2): 0,
	} {
		_, err := script.Parse("t", []byte(head+text))
		var all *script.Mistakes
		if !errors.As(err, &all) || all.More != more || all.Ended != (more == 980) || len(err.Error()) > 20_000 {
			t.Errorf("%d of a script of %d bytes: %v", more, len(text), err)
		}
	}
	_, err := script.Parse("t", []byte("-- scenario --\nname t\nclient A at=n1\nclient B at=n2\nsettle 1s\n"))
	if got := err.Error(); strings.Count(got, "expected a leader;") != 1 || !strings.HasPrefix(got, "2 mistakes") {
		t.Errorf("without leaders: %s", got)
	}
}

func TestAnExcerptOfALongLine(t *testing.T) {
	long := &script.Error{Text: strings.Repeat("ä", 500) + "\x01!" + strings.Repeat("z", 500), Column: 1001}
	shown, caret, _ := strings.Cut(long.Excerpt(), "\n")
	at := len([]rune(caret)) - 1
	if runes := []rune(shown); len(shown) > 200 || runes[at] != '?' || runes[at+1] != '!' {
		t.Errorf("got\n%s\n%s", shown, caret)
	}
}

// A lock that a line with a mistake takes is of the kind that the line says.
func TestALockOfALineWithAMistake(t *testing.T) {
	_, err := script.Parse("t", []byte("-- scenario --\nname t\nleaders n1\nclient A at=n1\nat 1s A lock l ttl=soon redlock as w\nat 2s A lock l ttl=1s redlock\nsettle 1s\n"))
	if err == nil || strings.Contains(err.Error(), "the same kind of lock") || !strings.Contains(err.Error(), `read "soon"`) {
		t.Errorf("%v", err)
	}
}
