package console

import (
	_ "embed" // the rules
	"net/http"
	"net/http/pprof"

	"kvd/replica/acl"
	"kvd/replica/console/page"
)

// routes puts the checks in front of the pages: who may ask is decided before what
// they ask for.
func (c *Console) routes() http.Handler {
	pages, open := http.NewServeMux(), http.NewServeMux()
	for _, p := range c.table() {
		pages.Handle(p.path, needs(p.needs, p.show))
	}
	open.HandleFunc("/health/live", live)
	open.HandleFunc("/health/ready", c.ready)
	open.Handle("/", c.known(pages))
	return c.readsOnly(open)
}

type shown struct {
	path  string
	needs acl.Roles
	show  http.Handler
}

// table is the pages behind those checks. What names a key is only shown to who may read
// it; profiles show memory, and so anything.
func (c *Console) table() []shown {
	return []shown{
		{"/{$}", acl.Anyone, page.Index()},
		{"/console/", acl.Anyone, page.Assets(http.HandlerFunc(noSuchPage))},
		{"/console/overview.json", acl.Anyone, http.HandlerFunc(c.overview)},
		{"/console/key.json", acl.Read, http.HandlerFunc(c.key)},
		{"/console/sum.json", acl.Read | acl.Admin, fromPage(http.HandlerFunc(c.sum))},
		{"/console/experiments", acl.Admin, http.HandlerFunc(c.experiment)},
		{"/status", acl.Anyone, http.HandlerFunc(c.status)},
		{"/metrics", acl.Anyone, http.HandlerFunc(c.metrics)},
		{"/losses", acl.Read, http.HandlerFunc(c.losses)},
		{"/alerts.yml", acl.Anyone, document("application/yaml", alertRules)},
		{"/dashboard.json", acl.Anyone, document("application/json", board)},
		{"/debug/pprof/", acl.Admin, fromHere(profiles())},
		{"/", acl.Anyone, http.HandlerFunc(noSuchPage)},
	}
}

func noSuchPage(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, Failure{"there is no such page", r.URL.Path + " is not known", "look at / for the pages there are"})
}

func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index) // and the named profiles
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

//go:embed alerts.yml
var alertRules string

//go:embed dashboard.json
var board string

// AlertRules is rules for Prometheus, as YAML.
func AlertRules() string { return alertRules }

// Dashboard is a board for Grafana, as JSON.
func Dashboard() string { return board }

// document is a page that is always the same.
func document(kind, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write([]byte(text))
	})
}

func live(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, liveness{Live: true})
}

type liveness struct {
	Live bool `json:"live"`
}

// readiness is the answer of /health/ready; when not ready it is an error too.
type readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []Reason `json:"reasons"`
	*Failure
}

func (c *Console) ready(w http.ResponseWriter, _ *http.Request) {
	reasons := c.source.Ready()
	if len(reasons) == 0 {
		answer(w, http.StatusOK, readiness{Ready: true, Reasons: []Reason{}})
		return
	}
	answer(w, http.StatusServiceUnavailable, readiness{Reasons: reasons, Failure: &Failure{
		"this leader is not ready", reasons[0].Detail, "send clients to another leader and ask again",
	}})
}

func (c *Console) status(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, reportOf(c.source.Status(), c.source.Ready(), userOf(r).Rights()))
}

func hideKeys(peers []Peer, user *acl.Rights) {
	for i := range peers {
		if u := peers[i].Unsendable; u != nil && !user.Reads(u.Key) {
			hidden := *u
			hidden.Key = ""
			peers[i].Unsendable = &hidden
		}
	}
}

func (c *Console) metrics(w http.ResponseWriter, r *http.Request) {
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
		c.scrape.ServeHTTP(w, r)
	default:
		refuse(w, http.StatusServiceUnavailable, Failure{"the metrics were not read", "too many ask for them at the same time", "ask less often"})
	}
}
