package console

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/acl/acltest"
)

// leader is a source that a test sets.
type leader struct {
	mu      sync.Mutex
	reasons []Reason
	status  Status
	entered chan struct{} // if not nil: told when Status is asked, which then
	release chan struct{} // waits for this
}

var _ Source = (*leader)(nil)

func (l *leader) Ready() []Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reasons
}

func (l *leader) Status() Status {
	if l.entered != nil {
		l.entered <- struct{}{}
		<-l.release
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *leader) unready(reasons ...Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reasons = reasons
}

// up is a console under test and a client for it.
type up struct {
	*Console
	t      *testing.T
	metric *Metrics
	client *http.Client
	served chan error
}

func local(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serve(t *testing.T, cfg Config, source Source) *up {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	if cfg.Listener == nil {
		cfg.Listener = local(t)
	}
	cfg.Logger = slog.New(slog.DiscardHandler)
	u := &up{t: t, metric: NewMetrics(Build{"v1", "abc", "go"}, ruleOf), client: &http.Client{Transport: &http.Transport{}}, served: make(chan error, 1)}
	var err error
	if u.Console, err = New(cfg, source, u.metric); err != nil {
		t.Fatal(err)
	}
	go func() { u.served <- u.Serve() }()
	t.Cleanup(func() {
		u.client.CloseIdleConnections()
		if err := u.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-u.served; err != nil {
			t.Errorf("serve ended with %v", err)
		}
	})
	return u
}

type edit func(*http.Request)

func (u *up) request(method, path string, edits ...edit) (*http.Response, string) {
	u.t.Helper()
	scheme := "http"
	if u.cfg.TLS != nil {
		scheme = "https"
	}
	r, err := http.NewRequest(method, scheme+"://"+u.Addr().String()+path, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	for _, e := range edits {
		e(r)
	}
	res, err := u.client.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return res, string(body)
}

func (u *up) get(path string, edits ...edit) (*http.Response, string) {
	u.t.Helper()
	return u.request(http.MethodGet, path, edits...)
}

// ask gets a page meanwhile; what comes is its body, or "error: " and why not.
func (u *up) ask(path string) <-chan string {
	came := make(chan string, 1)
	go func() {
		res, err := u.client.Get("http://" + u.Addr().String() + path)
		if err != nil {
			came <- "error: " + err.Error()
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			body = []byte("error: " + err.Error())
		}
		came <- string(body)
	}()
	return came
}

// refused checks that an answer is a refusal in full.
func (u *up) refused(res *http.Response, body string, code int) {
	u.t.Helper()
	var f Failure
	err := json.Unmarshal([]byte(body), &f)
	if res.StatusCode != code || err != nil || f.Error == "" || f.Why == "" || f.Next == "" || res.Header.Get("Content-Type") != "application/json" {
		u.t.Errorf("%s: status %d, want %d with error, why and next in JSON: %s", res.Request.URL.Path, res.StatusCode, code, body)
	}
}

func TestPages(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	for path, want := range map[string]string{
		"/":                            `href="/metrics"`,
		"/console/main.js":             "import ",
		"/console/style.css":           "prefers-color-scheme",
		"/console/overview.json":       `"losses": []`,
		"/health/live":                 `"live": true`,
		"/health/ready":                `"ready": true`,
		"/status":                      `"evicted": []`,
		"/metrics":                     "kvd_build_info{",
		"/alerts.yml":                  "KvdAcknowledgedWritesLost",
		"/debug/pprof/":                "goroutine",
		"/debug/pprof/heap?debug=1":    "heap profile",
		"/debug/pprof/cmdline":         os.Args[0],
		"/debug/pprof/trace?seconds=0": "go 1.",
	} {
		res, body := u.get(path)
		if res.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, and %q is not in %.300q", path, res.StatusCode, want, body)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, res.Header)
		}
	}
	if _, body := u.get("/"); strings.Count(body, "<a href=") != 8 {
		t.Errorf("the first page does not link all eight others for programs: %s", body)
	}
	res, body := u.get("/nowhere")
	u.refused(res, body, http.StatusNotFound)
	res, body = u.request(http.MethodPost, "/status")
	u.refused(res, body, http.StatusMethodNotAllowed)
	if res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("the refusal of POST allows %q", res.Header.Get("Allow"))
	}
	if res, body := u.request(http.MethodHead, "/health/live"); res.StatusCode != http.StatusOK || body != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, body)
	}
}

func TestReadiness(t *testing.T) {
	l := &leader{}
	u := serve(t, Config{}, l)
	for _, cause := range []Cause{Joining, Draining, Behind, Disk} {
		l.unready(Reason{Cause: cause, Detail: "because of " + string(cause)}, Reason{Cause: Disk, Detail: "and full"})
		res, body := u.get("/health/ready")
		u.refused(res, body, http.StatusServiceUnavailable)
		var got struct {
			Ready   bool
			Reasons []Reason
			Why     string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Ready || len(got.Reasons) != 2 || got.Reasons[0].Cause != cause || got.Why != "because of "+string(cause) {
			t.Errorf("not ready because of %s: %s", cause, body)
		}
		if res, _ := u.get("/health/live"); res.StatusCode != http.StatusOK {
			t.Errorf("not ready, and not alive either: %d", res.StatusCode)
		}
	}
	l.unready()
	if res, body := u.get("/health/ready"); res.StatusCode != http.StatusOK || strings.Contains(body, "error") {
		t.Errorf("ready again: %d %s", res.StatusCode, body)
	}
}

func TestStatus(t *testing.T) {
	l := &leader{status: Status{
		Name: "a", Origin: "00c0ffee00c0ffee", Policy: "*=lww", UptimeSeconds: 1.5,
		Frontier: logical.FrontierOf(logical.Dot{Origin: 1<<63 + 1, Seq: 9}, logical.Dot{Origin: 2, Seq: 7}),
		Peers: []Peer{
			{Name: "c", Addr: "c:1"},
			{Name: "b", Alive: true, LagOps: 3, LagSeconds: 0.25, QueueBytes: 99, Clock: &Offset{-0.001, 0.002}},
		},
		GateOps: 4, WaitingRequests: 5, Clients: 6,
	}}
	l.unready(Reason{Cause: Behind, Detail: "7 ops"})
	u := serve(t, Config{}, l)
	res, body := u.get("/status")
	var got struct {
		Status
		Frontier []struct {
			Origin string
			Seq    uint64
		}
		Ready   bool
		Reasons []Reason
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v: %s", res.StatusCode, err, body)
	}
	if got.Name != "a" || got.Policy != "*=lww" || got.Origin != "00c0ffee00c0ffee" || got.UptimeSeconds != 1.5 ||
		got.GateOps != 4 || got.WaitingRequests != 5 || got.Clients != 6 || got.Ready || len(got.Reasons) != 1 {
		t.Errorf("status came as %s", body)
	}
	if len(got.Frontier) != 2 || got.Frontier[1].Origin != "8000000000000001" || got.Frontier[1].Seq != 9 {
		t.Errorf("frontier came as %+v", got.Frontier)
	}
	if len(got.Peers) != 2 || got.Peers[0].Name != "b" || got.Peers[0].LagOps != 3 || *got.Peers[0].Clock != (Offset{-0.001, 0.002}) || got.Peers[1].Clock != nil {
		t.Errorf("peers came as %s", body)
	}
	if l.status.Peers[0].Name != "c" {
		t.Error("the source's own slice was sorted")
	}
}

// far is a listener whose connections come from elsewhere.
type far struct{ net.Listener }

type farConn struct{ net.Conn }

func (f far) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return farConn{c}, nil
}

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 5} }

func TestProfilesAreForThisMachine(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	remote := serve(t, Config{Listener: far{listener}}, &leader{})
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1", "/debug/pprof/cmdline"} {
		res, body := remote.get(path)
		remote.refused(res, body, http.StatusForbidden)
	}
	if res, _ := remote.get("/metrics"); res.StatusCode != http.StatusOK {
		t.Errorf("metrics for another machine: %d", res.StatusCode)
	}
}

func TestProfilesAreNotForProxies(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	for name, e := range map[string]edit{
		"forwarded":       func(r *http.Request) { r.Header.Set("Forwarded", "for=10.0.0.7") },
		"x-forwarded-for": func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.7") },
		"rebound host":    func(r *http.Request) { r.Host = "evil.example" },
	} {
		t.Log(name)
		res, body := u.get("/debug/pprof/", e)
		u.refused(res, body, http.StatusForbidden)
	}
	if res, _ := u.get("/debug/pprof/", func(r *http.Request) { r.Host = "[::1]" }); res.StatusCode != http.StatusOK {
		t.Errorf("asked as [::1]: %d", res.StatusCode)
	}
}

func TestAuth(t *testing.T) {
	u := serve(t, Config{Login: acltest.Let(func(user, pass string) bool { return user == "op" && pass == "secret" })}, &leader{})
	as := func(user, pass string) edit { return func(r *http.Request) { r.SetBasicAuth(user, pass) } }
	for _, path := range []string{"/", "/status", "/metrics", "/debug/pprof/", "/nowhere"} {
		for _, edits := range [][]edit{nil, {as("op", "wrong")}, {as("", "")}} {
			res, body := u.get(path, edits...)
			u.refused(res, body, http.StatusUnauthorized)
			if !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s: no challenge", path)
			}
		}
		if res, _ := u.get(path, as("op", "secret")); res.StatusCode == http.StatusUnauthorized {
			t.Errorf("%s: an operator is refused", path)
		}
	}
	for _, path := range []string{"/health/live", "/health/ready"} {
		if res, _ := u.get(path); res.StatusCode != http.StatusOK {
			t.Errorf("%s without a password: %d", path, res.StatusCode)
		}
	}
}

// Pages that show keys, or memory, are for users who may see them.
func TestPagesHaveRoles(t *testing.T) {
	told := &losses{}
	u := serve(t, Config{Losses: told.Listen, Login: acltest.These(
		acl.NewUser("reader", acl.Rights{Roles: acl.Read, Prefixes: []string{"a:"}}),
		acl.NewUser("writer", acl.Rights{Roles: acl.Write}),
		acl.NewUser("admin", acl.Rights{Roles: acl.Admin}))},
		&leader{status: Status{Peers: []Peer{{Name: "n2", Unsendable: &Unsendable{Key: "b:secret", Dot: "1-2"}}}}})
	as := func(user string) edit {
		return func(r *http.Request) { r.SetBasicAuth(user, user); r.Method = http.MethodHead }
	}
	for _, c := range []struct {
		path, user string
		want       int
	}{
		{"/losses", "reader", 200}, {"/losses", "writer", 403}, {"/losses", "admin", 403},
		{"/debug/pprof/", "reader", 403}, {"/debug/pprof/", "admin", 200},
		{"/status", "writer", 200}, {"/metrics", "writer", 200}, {"/", "admin", 200}, {"/alerts.yml", "reader", 200}, {"/nowhere", "reader", 404},
	} {
		if res, _ := u.get(c.path, as(c.user)); res.StatusCode != c.want {
			t.Errorf("%s answers %s with %d, not %d", c.path, c.user, res.StatusCode, c.want)
		}
	}
	for _, user := range []string{"reader", "writer"} {
		if _, body := u.get("/status", func(r *http.Request) { r.SetBasicAuth(user, user) }); strings.Contains(body, "b:secret") {
			t.Errorf("the status page shows %s a key that is not for its eyes", user)
		}
	}
	for _, p := range (&Console{}).table() {
		if p.needs == 0 {
			t.Errorf("the page %s is for nobody: give it roles", p.path)
		}
	}
}

func TestTLS(t *testing.T) {
	lender := httptest.NewUnstartedServer(nil) // for its certificate
	lender.StartTLS()
	certificate := lender.TLS.Certificates[0]
	trusting := lender.Client().Transport.(*http.Transport).TLSClientConfig
	lender.Close()
	u := serve(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}}, &leader{})
	u.client.Transport.(*http.Transport).TLSClientConfig = trusting
	if res, body := u.get("/health/live"); res.StatusCode != http.StatusOK || res.TLS == nil {
		t.Errorf("over TLS: %d %s", res.StatusCode, body)
	}
}

// What comes in is limited in size and in time.
func TestLimits(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	res, _ := u.get("/health/live", func(r *http.Request) { r.Header.Set("X-Long", strings.Repeat("x", 4*headerBytes)) })
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: %d", res.StatusCode)
	}
	for name, limit := range map[string]time.Duration{
		"header": u.server.ReadHeaderTimeout, "read": u.server.ReadTimeout,
		"write": u.server.WriteTimeout, "idle": u.server.IdleTimeout,
	} {
		if limit <= 0 || limit > time.Minute {
			t.Errorf("the %s timeout is %v", name, limit)
		}
	}
}

func TestConfigIsRefused(t *testing.T) {
	listener := far{}
	logger := slog.New(slog.DiscardHandler)
	for says, cfg := range map[string]Config{
		"no listener":    {Logger: logger},
		"without a cert": {Listener: listener, TLS: &tls.Config{}, Logger: logger},
		"no logger":      {Listener: listener},
	} {
		if c, err := New(cfg, &leader{}, NewMetrics(Build{}, ruleOf)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want a refusal that says %q, got %v", says, err)
			c.Shutdown(context.Background())
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9": true, "[::1]:80": true, "[::1]": true, "localhost:3": true, "[::ffff:127.0.0.1]:2": true,
		"10.0.0.1:1": false, "0.0.0.0:1": false, "": false, "localhost.example:1": false, "pipe": false, "[::]:1": false,
	} {
		if isLoopback(address) != want {
			t.Errorf("isLoopback(%q) is %v", address, !want)
		}
	}
}
