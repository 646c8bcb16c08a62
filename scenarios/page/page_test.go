package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"kvd/scenarios/page"
)

// hostile is a story whose every text tries to leave its place.
func hostile() *page.Story {
	const bad = `</script><script>alert(1)</script><!--"'&` + "\u2028"
	return &page.Story{
		Name: bad, Title: bad, Prose: bad, Again: bad, Zero: time.Unix(0, 0), Keys: []string{bad},
		Lanes: []page.Lane{{Name: bad, Home: 1}, {Name: "n1", Leader: true, Home: page.None}},
		Runs: []page.Run{{
			Name: bad, End: 10, Notes: []string{bad}, Promises: []page.Promise{{Words: bad, Why: bad}},
			Ops:      []page.Op{{Label: bad, Dot: "a-1", Client: 0, Leader: 1, At: 1, Acked: page.Never, Words: bad, Value: bad, Earliest: 1 << 60, Latest: 1 << 60, Lamport: 1 << 62, Stamped: page.Wall | page.Logical}},
			Messages: []page.Message{{From: 0, To: 1, Op: 0, Sent: 1, Arrives: page.Never, Applied: page.Never, Words: bad}},
			Readings: []page.Reading{{At: 1, Lane: 1, Ops: []int{0}, Text: bad}},
			Bands:    []page.Band{{Kind: page.Event, Words: bad}},
			Losses:   []page.Loss{{Op: 0, By: page.None, Left: page.None, Class: bad, Lane: page.None, Why: bad}},
		}},
	}
}

func write(t *testing.T, s *page.Story) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// data is the story as it is embedded.
func data(t *testing.T, html string) string {
	t.Helper()
	_, rest, _ := strings.Cut(html, `data-encoding="json">`)
	text, _, ok := strings.Cut(rest, "</script>")
	if !ok {
		t.Fatal("there is no story in plain JSON")
	}
	return text
}

// TestNoTextBecomesMarkup: whatever users wrote stays text, in the page and in its data.
func TestNoTextBecomesMarkup(t *testing.T) {
	html := write(t, hostile())
	if n := strings.Count(html, "<script"); n != 2 {
		t.Errorf("%d script elements, want the story and the script", n)
	}
	if strings.Contains(html, "alert(1)</") || strings.Contains(data(t, html), "<") {
		t.Error("a text left its place")
	}
	var story struct{ Name string }
	if err := json.Unmarshal([]byte(data(t, html)), &story); err != nil || story.Name != hostile().Name {
		t.Errorf("the name is read back as %q: %v", story.Name, err)
	}
}

// TestThePolicyNamesWhatIsThere: the page runs the script and the style whose hashes its
// policy has, and has no handlers in attributes.
func TestThePolicyNamesWhatIsThere(t *testing.T) {
	html := write(t, hostile())
	for element, source := range map[string]string{"script": "script-src", "style": "style-src"} {
		found := regexp.MustCompile(`(?s)<` + element + `>(.*?)</` + element + `>`).FindStringSubmatch(html)
		if found == nil {
			t.Fatalf("no %s", element)
		}
		sum := sha256.Sum256([]byte(found[1]))
		if want := source + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(html, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if !strings.Contains(html, `content="default-src 'none';`) {
		t.Error("the policy allows something by default")
	}
	if found := regexp.MustCompile(`<[^>]* on[a-z]+=`).FindString(html); found != "" {
		t.Errorf("a handler in an attribute: %s", found)
	}
}

// TestWideNumbersAreStrings: a browser rounds integers beyond 2^53.
func TestWideNumbersAreStrings(t *testing.T) {
	text := data(t, write(t, hostile()))
	for _, want := range []string{`"lamport":["4611686018427387904"]`, `"earliest":["1152921504606846975"]`, `"at":[1]`} {
		if !strings.Contains(text, want) {
			t.Errorf("the story lacks %s: %s", want, text)
		}
	}
}

func TestWhatPointsNowhereIsRefused(t *testing.T) {
	for what, spoil := range map[string]func(*page.Run){
		"an op of no key":        func(r *page.Run) { r.Ops[0].Key = 1 },
		"an op over none":        func(r *page.Run) { r.Ops[0].Over = []int{1} },
		"a message to nobody":    func(r *page.Run) { r.Messages[0].To = 2 },
		"a reading of no op":     func(r *page.Run) { r.Readings[0].Ops = []int{-1} },
		"a loss to an op beyond": func(r *page.Run) { r.Losses[0].By = 1 },
	} {
		s := hostile()
		spoil(&s.Runs[0])
		if err := page.Write(&bytes.Buffer{}, s); err == nil {
			t.Errorf("%s is written", what)
		}
	}
}

func TestLongValuesSayHowLongTheyAre(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"short", "short"},
		{strings.Repeat("ab,", 99) + "end", "ab,ab,ab,ab,ab,a…,ab,ab,ab,ab,end (100 elements)"},
		{strings.Repeat("x", 100), "xxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxx (100 bytes)"},
		{"\xff", "\uFFFD"},
	} {
		if got := page.Shorten(c.value); got != c.want {
			t.Errorf("%.20q… is shortened to %q, want %q", c.value, got, c.want)
		}
	}
}
