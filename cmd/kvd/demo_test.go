package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"kvd/replica/replicatest"
	"kvd/scenarios/page/pagetest"
)

// pageSays is as much of the console's overview as these tests look at.
type pageSays struct {
	Status struct {
		Peers []struct {
			Name   string
			LagOps int `json:"lag_ops"`
			Clock  *struct {
				Latest float64 `json:"latest_seconds"`
			}
		}
	}
	Experiment *struct {
		Rate          int
		Done, Refused int
		Leaders       []struct {
			Name string
			Skew float64 `json:"skew_ms"`
			Cut  bool
		}
	}
	Last int `json:"last_loss"`
}

func (n *served) overview() (o pageSays) {
	n.t.Helper()
	res, err := http.Get("http://" + n.http + "/console/overview.json")
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&o); err != nil {
		n.t.Fatal(err)
	}
	return o
}

// change sends a change as the console's page does, and gives the status of the answer.
func (n *served) change(body string) int {
	n.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+n.http+"/console/experiments", bytes.NewReader([]byte(body)))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://"+n.http)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// The sample load runs at all leaders, and the console of one moves the faults of all.
func TestDemoMovesTheFaultsOfAllLeaders(t *testing.T) {
	t.Parallel()
	p, n := develops(t, 3, "--demo", "--skew", "n3=-3s")
	replicatest.Eventually(t, "writes are acknowledged and some are lost", func() bool {
		o := n[1].overview()
		return o.Experiment.Done > 20 && o.Last > 0
	})
	if o := n[0].overview(); o.Experiment.Refused != 0 || o.Experiment.Rate == 0 || o.Experiment.Leaders[2].Skew != -3000 {
		t.Errorf("the load is %+v", o.Experiment)
	}
	for _, body := range []string{`{"rate":501}`, `{"rate":-1}`, `{"delay_ms":-1}`, `{"delay_ms":3001}`, `{"skew_ms":1}`, `{"leader":"n2"}`, `{"leader":"n9","cut":true}`, `{"leader":"n2","skew_ms":1e9}`, `{"leader":"n2","rate":1}`} {
		if code := n[0].change(body); code != http.StatusBadRequest {
			t.Errorf("%s is answered %d", body, code)
		}
	}
	lacks := func(name string) (ops int, ahead float64) {
		for _, m := range n[0].overview().Status.Peers {
			if m.Name == name && m.Clock != nil {
				return m.LagOps, m.Clock.Latest
			}
		}
		return 0, 0
	}
	for _, body := range []string{`{"leader":"n2","skew_ms":-1500}`, `{"rate":300}`, `{"delay_ms":5}`} {
		if code := n[2].change(body); code != http.StatusOK {
			t.Fatalf("%s is answered %d", body, code)
		}
	}
	replicatest.Eventually(t, "the clock of n2 is behind", func() bool { _, ahead := lacks("n2"); return ahead < -1.4 && ahead > -1.6 })
	if code := n[0].change(`{"leader":"n3","cut":true}`); code != http.StatusOK {
		t.Fatalf("a cut is answered %d", code)
	}
	replicatest.Eventually(t, "n3 lacks much", func() bool { ops, _ := lacks("n3"); return ops > 100 })
	for _, body := range []string{`{"rate":0}`, `{"leader":"n3","cut":false}`} {
		n[0].change(body)
	}
	replicatest.Eventually(t, "n3 lacks nothing any more", func() bool { ops, _ := lacks("n3"); return ops == 0 })
	if s := n[0].try("GET", "visits"); s == "" {
		t.Error("nobody counted a visit")
	}
	p.signal(syscall.SIGINT)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Without --demo there is nothing that a page could move.
func TestNothingIsMovedWithoutDemo(t *testing.T) {
	t.Parallel()
	_, n := develops(t, 1, "--leaders", "1")
	if o := n[0].overview(); o.Experiment != nil {
		t.Errorf("the console has %+v", o.Experiment)
	}
	if code := n[0].change(`{"rate":1}`); code != http.StatusMethodNotAllowed {
		t.Errorf("a change is answered %d", code)
	}
}

// The console of the demonstration has moving numbers, and its sliders move the leaders.
func TestDemoInABrowser(t *testing.T) {
	t.Parallel()
	browser := pagetest.Start(t)
	p, n := develops(t, 3, "--demo")
	at := p.says(`^  (http://\S+/)$`)
	for _, width := range []int64{1280, 390} {
		page := browser.Open(t, at[0], width, 900)
		acknowledged := func() (count float64) {
			return page.Number(`Number((document.querySelector('#experiments [role=status]').textContent.match(/^[\d,]+/) || ['0'])[0].replaceAll(',', ''))`)
		}
		before := acknowledged()
		replicatest.Eventually(t, "the numbers move", func() bool {
			return acknowledged() > before && page.Number("document.querySelectorAll('.curve path[d]').length") == 4 && page.Number("document.querySelectorAll('#losses tbody tr').length") > 5
		})
		page.Eval(`{ const s = document.querySelector('[aria-label="clock of n2"]'); s.value = 700; s.dispatchEvent(new Event('change')); }`, nil)
		replicatest.Eventually(t, "n2 is ahead", func() bool { return n[0].overview().Experiment.Leaders[1].Skew == 700 })
		replicatest.Eventually(t, "the page sees that", func() bool {
			return page.Text("document.querySelector('#clocks .apart')?.dataset.offset || ''") == "n1 n2"
		})
		if nameless := page.Nameless(); len(nameless) > 0 {
			t.Errorf("controls without a name: %v", nameless)
		}
		if wide := page.Number("document.documentElement.scrollWidth"); int64(wide) > width {
			t.Errorf("on %d pixels the page is %v wide", width, wide)
		}
		page.Screenshot(fmt.Sprintf("demo-%d", width))
		page.Click("#keys tbody a")
		replicatest.Eventually(t, "the key is explained", func() bool { return page.Number("document.querySelectorAll('#key tbody tr').length") > 0 })
		page.Screenshot(fmt.Sprintf("demo-key-%d", width))
		if len(page.Errors()) > 0 {
			t.Errorf("the page says %q", page.Errors())
		}
	}
}
