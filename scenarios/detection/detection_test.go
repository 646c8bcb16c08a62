package detection_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/scenarios/detection"
)

// The page is what the command writes.
func TestThePageIsUpToDate(t *testing.T) {
	const page = "../doc/detection.md"
	var got bytes.Buffer
	if err := detection.Write(&got, detection.Generate(1)); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not what is measured (%v); write it with: go run ./cmd/scenario detect > scenarios/doc/detection.md", page, err)
	}
}

// What the figures mean, on a trace that can be counted by hand.
func TestFigures(t *testing.T) {
	tr, err := detection.Read("x", strings.NewReader("# three beats, one of them late\n0\n1\n\n4\n5\n"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) detection.Figures {
		ways := detection.Ways()
		return ways[slices.IndexFunc(ways, func(w detection.Way) bool { return w.Name == name })].Measure(&tr)
	}
	if f := at("fixed 2s"); f.Wrong != 720 || f.Mean != 2*time.Second { // one in five seconds
		t.Errorf("%+v", f)
	}
	if f := at("fixed 3s"); f.Wrong != 0 {
		t.Errorf("%+v", f)
	}
	if d := detection.BestFixed(&tr, 0); d != 3*time.Second {
		t.Errorf("the best fixed timeout is %s", d)
	}
}

func TestTracesThatAreNone(t *testing.T) {
	for text, says := range map[string]string{"": "0 arrivals", "1\n1\n": "two at different moments", "1\nnow\n": `line 2: "now" is no moment`, "2\n1\n": "arrivals ascend", "NaN\n1\n": "no moment"} {
		if _, err := detection.Read("x", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
