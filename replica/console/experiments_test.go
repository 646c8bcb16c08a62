package console

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"kvd/replica/acl"
	"kvd/replica/acl/acltest"
)

// bench is experiments that a test looks at.
type bench struct{ now Experiment }

func (b *bench) State() Experiment { return b.now }

func (b *bench) Change(c ExperimentChange) error {
	if c.Rate == nil || *c.Rate < 0 {
		return errors.New("no such rate")
	}
	b.now.Rate = *c.Rate
	return nil
}

// fromOwnPage is a change as the page sends it.
func fromOwnPage(body string) edit {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "http://"+r.URL.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Body = io.NopCloser(strings.NewReader(body))
	}
}

const rate5 = `{"rate":5}`

func TestExperimentsAreChangedByTheOwnPageAlone(t *testing.T) {
	b := &bench{}
	u := serve(t, Config{Experiments: b}, &leader{})
	change := func(edits ...edit) (*http.Response, string) {
		return u.request(http.MethodPost, experimentsPath, edits...)
	}
	for name, c := range map[string]struct {
		edit edit
		code int
	}{
		"another site":     {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403},
		"no origin":        {func(r *http.Request) { r.Header.Del("Origin") }, 403},
		"another port":     {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"a name made ours": {func(r *http.Request) { r.Host = "evil.example"; r.Header.Set("Origin", "http://evil.example") }, 403},
		"a form":           {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 400},
		"nonsense":         {fromOwnPage(`{"rate":"x"}`), 400},
		"unknown":          {fromOwnPage(`{"rate":5,"rat":6}`), 400},
		"two":              {fromOwnPage(rate5 + rate5), 400},
		"too large":        {fromOwnPage(`{"leader":"` + strings.Repeat("x", maxChange) + `"}`), 400},
		"out of bounds":    {fromOwnPage(`{"rate":-1}`), 400},
	} {
		res, body := change(fromOwnPage(rate5), c.edit)
		if u.refused(res, body, c.code); b.now.Rate != 0 {
			t.Fatalf("%s: changed to %+v", name, b.now)
		}
	}
	if o := u.overview(""); o.Experiment == nil || o.Experiment.Rate != 0 {
		t.Errorf("the page shows %+v", o.Experiment)
	}
	res, body := change(fromOwnPage(rate5))
	if res.StatusCode != http.StatusOK || b.now.Rate != 5 || !strings.Contains(body, `"rate": 5`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if _, body := u.get("/console/overview.json"); !strings.Contains(body, `"rate": 5`) { // at once
		t.Errorf("the page shows %s", body)
	}
	for _, path := range []string{"/status", "/console/overview.json"} {
		res, body := u.request(http.MethodPost, path, fromOwnPage(rate5))
		u.refused(res, body, http.StatusMethodNotAllowed)
	}
}

func TestNothingIsChangedWithoutExperiments(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	res, body := u.request(http.MethodPost, experimentsPath, fromOwnPage(rate5))
	u.refused(res, body, http.StatusMethodNotAllowed)
}

func TestExperimentsAreForAdministrators(t *testing.T) {
	b := &bench{}
	op := acl.NewUser("op", acl.Rights{Roles: acl.Read | acl.Write})
	u := serve(t, Config{Experiments: b, Login: acltest.These(op)}, &leader{})
	res, body := u.request(http.MethodPost, experimentsPath, fromOwnPage(rate5), func(r *http.Request) { r.SetBasicAuth("op", "op") })
	if u.refused(res, body, http.StatusForbidden); b.now.Rate != 0 {
		t.Error("changed by somebody who is no administrator")
	}
}
