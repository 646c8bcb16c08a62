package console

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kvd/replica/acl/acltest"
	"kvd/replica/replicatest"
)

// told is one event of a feed.
type told struct{ event, data string }

// losses is a feed for one reader or several; all get the same.
type losses struct {
	mu      sync.Mutex
	asked   string // prefix and all, of the last who listened
	readers map[*queue]bool
}

type queue struct {
	from *losses
	wake func()
	wait []told
}

func (l *losses) Listen(prefix string, all bool, _ func(string) bool, wake func()) Feed {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := &queue{from: l, wake: wake}
	if l.readers == nil {
		l.readers = map[*queue]bool{}
	}
	l.asked, l.readers[q] = fmt.Sprintf("%q %t", prefix, all), true
	return q
}

func (l *losses) tell(event, data string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for q := range l.readers {
		q.wait = append(q.wait, told{event, data})
		q.wake()
	}
}

func (l *losses) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.readers)
}

func (q *queue) Next() (string, []byte, bool) {
	q.from.mu.Lock()
	defer q.from.mu.Unlock()
	if len(q.wait) == 0 {
		return "", nil, false
	}
	m := q.wait[0]
	q.wait = q.wait[1:]
	return m.event, []byte(m.data), true
}

func (q *queue) Close() {
	q.from.mu.Lock()
	defer q.from.mu.Unlock()
	delete(q.from.readers, q)
}

// streaming is a console over pipes in a bubble of virtual time.
type streaming struct {
	*Console
	t      *testing.T
	losses losses
	pipes  *replicatest.Pipes
	served chan error
}

func inBubble(t *testing.T, test func(t *testing.T, s *streaming)) {
	inSecureBubble(t, nil, test)
}

func inSecureBubble(t *testing.T, secure *tls.Config, test func(t *testing.T, s *streaming)) {
	synctest.Test(t, func(t *testing.T) {
		s := &streaming{t: t, pipes: replicatest.NewPipes("console"), served: make(chan error, 1)}
		var err error
		s.Console, err = New(Config{Listener: s.pipes, TLS: secure, Losses: s.losses.Listen, Logger: slog.New(slog.DiscardHandler)}, &leader{}, NewMetrics(Build{}, ruleOf))
		if err != nil {
			t.Fatal(err)
		}
		go func() { s.served <- s.Serve() }()
		test(t, s)
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-s.served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if n := s.losses.count(); n != 0 {
			t.Errorf("%d feeds are still open", n)
		}
	})
}

// reader is one client of the stream.
type reader struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// open asks for a page and reads the header of the answer.
func (s *streaming) open(path string) (*reader, *http.Response) {
	s.t.Helper()
	near, err := s.pipes.Dial(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	r := &reader{s.t, near, bufio.NewReader(near)}
	if _, err := io.WriteString(near, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		s.t.Fatal(err)
	}
	res, err := http.ReadResponse(r.in, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.in = bufio.NewReader(res.Body)
	return r, res
}

// block reads what comes up to the next empty line.
func (r *reader) block() string {
	r.t.Helper()
	var b strings.Builder
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return b.String() + line + "error: " + err.Error()
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

func (r *reader) want(block string) {
	r.t.Helper()
	if got := r.block(); got != block {
		r.t.Errorf("got %q, want %q", got, block)
	}
}

const begun, beaten = ": losses from now on\n", ": still here\n"

// The stream outlives the limits of the server, which are for pages.
func TestLossesAreStreamed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *streaming) {
		r, res := s.open("/losses?prefix=user%3a%ff&all=1")
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
		r.want(begun)
		if want := `"user:\xff" true`; s.losses.asked != want {
			t.Errorf("listens to %s, want %s", s.losses.asked, want)
		}
		start := time.Now()
		s.losses.tell("lost", `{"event":"lost"}`)
		s.losses.tell("retracted", `{}`)
		r.want("event: lost\ndata: {\"event\":\"lost\"}\n")
		r.want("event: retracted\ndata: {}\n")
		if took := time.Since(start); took != 0 {
			t.Errorf("told after %s", took)
		}
		for range 20 {
			r.want(beaten)
		}
		if took := time.Since(start); took != 20*heartbeat || took < 5*writeTimeout {
			t.Errorf("20 heartbeats in %s", took)
		}
		s.losses.tell("lost", "{}")
		r.want("event: lost\ndata: {}\n")
		r.conn.Close()
		synctest.Wait()
		if n := s.losses.count(); n != 0 {
			t.Errorf("%d read when the only one is gone", n)
		}
	})
}

// Over HTTP/2 the server's limits are those of a stream, and end it no sooner.
func TestLossesAreStreamedOverHTTP2(t *testing.T) {
	lender := httptest.NewUnstartedServer(nil)
	lender.StartTLS()
	certificates, trusting := lender.TLS.Certificates, lender.Client().Transport.(*http.Transport).TLSClientConfig
	lender.Close()
	inSecureBubble(t, &tls.Config{Certificates: certificates}, func(t *testing.T, s *streaming) {
		transport := &http.Transport{TLSClientConfig: trusting, ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return s.pipes.Dial(ctx)
		}}
		res, err := (&http.Client{Transport: transport}).Get("https://example.com/losses")
		if err != nil {
			t.Fatal(err)
		}
		if res.ProtoMajor != 2 {
			t.Errorf("it is %s", res.Proto)
		}
		r := &reader{t, nil, bufio.NewReader(res.Body)}
		r.want(begun)
		for range 5 {
			r.want(beaten)
		}
		s.losses.tell("lost", "{}")
		r.want("event: lost\ndata: {}\n")
		res.Body.Close()
		synctest.Wait()
		if n := s.losses.count(); n != 0 {
			t.Errorf("%d read when the only one is gone", n)
		}
		transport.CloseIdleConnections()
	})
}

func TestDeadReadersAreCut(t *testing.T) {
	inBubble(t, func(t *testing.T, s *streaming) {
		dead, _ := s.open("/losses")
		alive, _ := s.open("/losses?all=0")
		dead.want(begun)
		alive.want(begun)
		s.losses.tell("lost", "{}")
		alive.want("event: lost\ndata: {}\n")
		time.Sleep(lossSend - time.Nanosecond) // virtual
		synctest.Wait()
		if n := s.losses.count(); n != 2 {
			t.Errorf("%d read before the time is over", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := s.losses.count(); n != 1 {
			t.Errorf("%d read after it", n)
		}
		dead.conn.Close()
		alive.want(beaten)
		alive.conn.Close()
	})
}

func TestShutdownEndsStreams(t *testing.T) {
	inBubble(t, func(t *testing.T, s *streaming) {
		r, _ := s.open("/losses")
		r.want(begun)
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		down := make(chan error, 1)
		go func() { down <- s.Shutdown(ctx) }()
		if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the stream ended with %v", err)
		}
		if err := <-down; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 2*time.Second { // the server looks twice a second at most
			t.Errorf("it took %s", took)
		}
		r.conn.Close()
	})
}

func TestReadersOfLossesAreCounted(t *testing.T) {
	inBubble(t, func(t *testing.T, s *streaming) {
		var all []*reader
		for range lossReaders {
			r, _ := s.open("/losses")
			r.want(begun)
			all = append(all, r)
		}
		r, res := s.open("/losses")
		if body, err := io.ReadAll(r.in); res.StatusCode != http.StatusServiceUnavailable || err != nil || !strings.Contains(string(body), "16 readers listen already") {
			t.Errorf("one more: %d %s %v", res.StatusCode, body, err)
		}
		r.conn.Close()
		all[0].conn.Close()
		synctest.Wait()
		r, _ = s.open("/losses")
		r.want(begun)
		for _, r := range append(all, r) {
			r.conn.Close()
		}
	})
}

func TestLossesAreRefused(t *testing.T) {
	fed := Config{Losses: (&losses{}).Listen, Login: acltest.Let(func(user, _ string) bool { return user == "ann" })}
	u := serve(t, fed, &leader{})
	ann := func(r *http.Request) { r.SetBasicAuth("ann", "") }
	for _, path := range []string{"/losses", "/alerts.yml"} {
		res, body := u.get(path)
		u.refused(res, body, http.StatusUnauthorized)
	}
	res, body := u.get("/losses?all=yes", ann)
	u.refused(res, body, http.StatusBadRequest)
	res, body = u.get("/losses?prefx=user:", ann)
	u.refused(res, body, http.StatusBadRequest)
	if !strings.Contains(body, `prefx`) {
		t.Errorf("does not say what is wrong: %s", body)
	}
	if res, body := u.request(http.MethodHead, "/losses", ann); res.StatusCode != http.StatusOK || body != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, body)
	}
}

func TestALeaderThatTellsNothing(t *testing.T) {
	u := serve(t, Config{}, &leader{})
	res, body := u.get("/losses")
	u.refused(res, body, http.StatusNotFound)
}
