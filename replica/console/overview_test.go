package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/acl/acltest"
	"kvd/resolve"
	"kvd/wallclock"
)

// lose tells the metrics of a lost write to a key.
func (u *up) lose(n int, key string, resolvers resolve.Mask) {
	u.metric.Observe(&replica.Judged{Key: key, At: wallclock.Instant(n), Verdict: resolve.Verdict{
		Resolvers: resolvers, Relation: resolve.Concurrent, Loser: logical.Dot{Origin: 1, Seq: logical.Seq(n)}, Winner: logical.Dot{Origin: 2, Seq: 1}}})
}

func (u *up) overview(query string, edits ...edit) (o overview) {
	u.t.Helper()
	u.forget() // what is shown is what was counted by now
	res, body := u.get("/console/overview.json"+query, edits...)
	if err := json.Unmarshal([]byte(body), &o); err != nil || res.StatusCode != http.StatusOK {
		u.t.Fatalf("%d, %v: %s", res.StatusCode, err, body)
	}
	return o
}

func TestTheOverviewSaysWhatStatusSays(t *testing.T) {
	l := &leader{status: Status{Name: "a", Origin: "0000000000000001", GateOps: 7, Peers: []Peer{{Name: "c"}, {Name: "b", LagOps: 3}}}}
	l.unready(Reason{Cause: Behind, Detail: "9 ops"})
	u := serve(t, Config{}, l)
	o := u.overview("")
	_, body := u.get("/status")
	var status report
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(o.Status)
	want, _ := json.Marshal(status)
	if string(got) != string(want) || len(o.Status.Alarms) != 3 || o.Experiment != nil {
		t.Errorf("the page is told\n%s, and /status\n%s", got, want)
	}
}

// The answer has a bound however much is lost, and begins where the page has come to.
func TestTheOverviewIsBounded(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	for i := range 4 * maxLosses {
		u.lose(i+1, fmt.Sprintf("k%d", i%(2*maxTopKeys)), resolve.LWW.Mask())
		u.lose(i+1, "other", resolve.LWW.Mask()) // it only watches those
	}
	u.lose(1000, "k0", resolve.LWW.Mask())
	u.lose(1001, "k\xff<b>", resolve.LWW.Mask()|resolve.HLC.Mask())
	o := u.overview("")
	if len(o.Keys) != maxTopKeys || o.Keys[0].Key.Shown != "k0" || o.Keys[0].Lost != 6 || o.Keys[0].Over != 0 {
		t.Errorf("%d keys, the first %+v", len(o.Keys), o.Keys[0])
	}
	end := len(o.Losses) - 1
	last := o.Losses[end]
	if end+1 != 2*maxLosses || last.Number != o.Last || last.Key.Shown != `"k\xff<b>"` || last.Key.Link != "k%FF%3Cb%3E" ||
		last.Loser != "0000000000000001-1001" || last.Winner != "0000000000000002-1" || strings.Join(last.Resolvers, " ") != "lww hlc" || !last.Serving {
		t.Errorf("%d losses, the last %+v of %d", end+1, last, o.Last)
	}
	if after := u.overview(fmt.Sprintf("?after=%d", o.Last-2)); len(after.Losses) != 2 || after.Losses[1].Number != last.Number {
		t.Errorf("after all but two there are %+v", after.Losses)
	}
	if len(o.Prefixes) != 3 || o.Prefixes[0].Prefix != nil || o.Prefixes[1].Prefix.Shown != "k" || !o.Prefixes[1].Serving || o.Prefixes[1].Concurrent != 4*maxLosses+2 || o.Prefixes[2].Serving {
		t.Errorf("by prefix: %+v", o.Prefixes)
	}
	for _, r := range o.Resolvers {
		if r.Resolver == "lww" && (r.Concurrent != 8*maxLosses+2 || r.Serving.Concurrent != 4*maxLosses+2) {
			t.Errorf("by resolver: %+v", r)
		}
	}
}

// asked counts how often the leader was asked.
type asked struct {
	leader
	n atomic.Int32
}

func (a *asked) Status() Status {
	a.n.Add(1)
	return a.leader.Status()
}

func TestManyPagesAskOnce(t *testing.T) {
	l := &asked{}
	u := serve(t, Config{}, l)
	for range 20 {
		u.get("/console/overview.json")
		u.recent.mu.Lock()
		u.recent.last.at = u.recent.last.at.Add(gatherEvery) // it stays new, however slow the machine is
		u.recent.mu.Unlock()
	}
	if n := l.n.Load(); n != 1 {
		t.Errorf("the leader was asked %d times", n)
	}
}

// store answers questions about keys in a test.
type store struct {
	err    error
	rights *acl.Rights   // of whoever asked last
	begun  chan struct{} // if not nil: told of a question, which then lasts until it is given up
}

func (s *store) Key(ctx context.Context, key string) (*KeyPage, error) {
	s.rights = acl.Of(ctx)
	return &KeyPage{Key: KeyText(key)}, s.err
}

func (s *store) Sum(ctx context.Context) (*Sum, error) {
	if s.begun != nil {
		s.begun <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.rights = acl.Of(ctx)
	return &Sum{Keys: 3}, s.err
}

func TestWrongQuestionsAreRefused(t *testing.T) {
	s := &store{}
	u := serve(t, Config{Store: s}, &leader{})
	for _, path := range []string{"overview.json?after=x", "overview.json?after=-1", "overview.json?afer=1", "overview.json?after=", "key.json", "key.json?key=", "key.json?k=a", "key.json?key=a&b=1", "sum.json?key=a"} {
		res, body := u.get("/console/" + path)
		u.refused(res, body, http.StatusBadRequest)
	}
	for _, path := range []string{"/console/", "/console/none.js", "/console/../console.go", "/console/experiments"} {
		res, body := u.get(path)
		u.refused(res, body, http.StatusNotFound)
	}
	res, body := u.get("/console/sum.json", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	u.refused(res, body, http.StatusForbidden)
	if res, body := u.get("/console/key.json?key=a%00%ff"); res.StatusCode != http.StatusOK || !strings.Contains(body, `"shown": "\"a\\x00\\xff\""`) {
		t.Errorf("a key of bytes is answered %d %s", res.StatusCode, body)
	}
	for err, code := range map[error]int{fmt.Errorf("%w: joining", ErrNotServed): 503, ErrElsewhere: 503, errors.New("the disk"): 500} {
		s.err = err
		for _, path := range []string{"/console/key.json?key=a", "/console/sum.json"} {
			res, body := u.get(path)
			u.refused(res, body, code)
		}
	}
}

func TestWhoDoesNotServeYetSaysSo(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	res, body := u.get("/console/key.json?key=a")
	u.refused(res, body, http.StatusServiceUnavailable)
}

// What a user may not read is not told of.
func TestTheOverviewKeepsToRights(t *testing.T) {
	s := &store{}
	people := map[string]*acl.User{
		"root": acl.NewUser("root", acl.Rights{Roles: acl.All}), "ann": acl.NewUser("ann", acl.Rights{Roles: acl.Read, Prefixes: []string{"ka"}}),
		"writer": acl.NewUser("writer", acl.Rights{Roles: acl.Write}),
	}
	u := serve(t, Config{Store: s, Login: acltest.These(people["root"], people["ann"], people["writer"])}, &leader{})
	u.lose(1, "ka1", resolve.LWW.Mask())
	u.lose(2, "kb1", resolve.LWW.Mask())
	as := func(name string) edit { return func(r *http.Request) { r.SetBasicAuth(name, name) } }
	for name, want := range map[string]int{"root": 2, "ann": 1, "writer": 0} {
		if o := u.overview("", as(name)); len(o.Keys) != want || len(o.Losses) != want || o.User != name {
			t.Errorf("%s is told of %+v and %+v", name, o.Keys, o.Losses)
		}
	}
	for path, codes := range map[string]map[string]int{
		"/console/key.json?key=ka1": {"root": 200, "ann": 200, "writer": 403},
		"/console/key.json?key=kb1": {"root": 200, "ann": 403},
		"/console/sum.json":         {"root": 200, "ann": 403, "writer": 403},
		"/console/main.js":          {"root": 200, "ann": 200, "nobody": 401},
	} {
		for name, code := range codes {
			s.rights = nil
			res, body := u.get(path, as(name))
			if res.StatusCode != code {
				t.Errorf("%s for %s: %d, want %d: %s", path, name, res.StatusCode, code, body)
			}
			if code == 200 && strings.Contains(path, "json") && (s.rights == nil || s.rights != people[name].Rights()) {
				t.Errorf("%s asks with the rights %+v", name, s.rights)
			}
		}
	}
}
